/**
 * Owns the methods `errorLog` and `auditLog`: keep the errors and the refusals that nodes report, one JSON line each.
 * Promises that whatever was sent is kept, also if it looks like neither.
 * If the node dies in between, the event comes again, and its line may be there twice under the same id.
 */

import { z } from 'zod';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import { defineMethod, type MethodDefinition } from '../processes/method.ts';
import type { LogFiles } from './log-files.ts';

/** `errorLog`: data is `{ at, where, code, message, … }` or any other JSON; the file is `logs/errors.jsonl`. */
export function errorLog(files: LogFiles, clock: Clock): MethodDefinition {
	return defineMethod({
		name: 'errorLog',
		kind: 'event',
		data: z.unknown(),
		description: 'Keeps an error that a node reports.',
		isolate: 'none',
		run: ({ sender, id }, error) =>
			files.appendError(
				JSON.stringify({ receivedAt: rfc3339(clock.now()), sender, id, error: error ?? null }),
			),
	});
}

/** `auditLog`: as {@link errorLog}, of what a node refused because of who sent it; the file is `logs/audit.jsonl`. */
export function auditLog(files: LogFiles, clock: Clock): MethodDefinition {
	return defineMethod({
		name: 'auditLog',
		kind: 'event',
		data: z.unknown(),
		description: 'Keeps a refusal that a node reports.',
		isolate: 'none',
		run: ({ sender, id }, refusal) =>
			files.appendAudit(
				JSON.stringify({ receivedAt: rfc3339(clock.now()), sender, id, refusal: refusal ?? null }),
			),
	});
}
