/**
 * Owns the method `ping`: answers with what it was given.
 * Promises to do nothing else, so that an answer means that the whole way there and back works.
 * Leaves nothing behind.
 */

import { z } from 'zod';
import { defineMethod, type MethodDefinition } from '../processes/method.ts';

export function ping(): MethodDefinition {
	return defineMethod({
		name: 'ping',
		kind: 'command',
		data: z.unknown(),
		description: 'Answers with its data and the name of the node.',
		isolate: 'none',
		run: ({ node }, data) => ({ pong: data ?? null, node }),
	});
}
