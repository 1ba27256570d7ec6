/**
 * Owns the method `textLogging`: appends what a node sends to that node's own log file.
 * Promises that the text is on disk before the event is acknowledged, each text on one line of its own.
 * If the node dies in between, the event comes again, and the text may be there twice.
 */

import { z } from 'zod';
import { defineMethod, type MethodDefinition } from '../processes/method.ts';
import type { LogFiles } from './log-files.ts';

const dataSchema = z.union([z.string(), z.array(z.string())], {
	error: 'expected text, or an array of texts such as ["some message\\n"]',
});

/** `textLogging`: data is `["message", …]` or one `"message"`; the file is `logs/<sender>.log`. */
export function textLogging(files: LogFiles): MethodDefinition<z.output<typeof dataSchema>> {
	return defineMethod({
		name: 'textLogging',
		kind: 'event',
		data: dataSchema,
		description: "Appends text to the log file of the event's sender.",
		isolate: 'none',
		run: ({ sender }, data) => files.appendFrom(sender, typeof data === 'string' ? [data] : data),
	});
}
