/**
 * Owns the method `stamp`: says when it was started, by the wall clock.
 * Promises nothing else. Leaves nothing behind.
 */

import { z } from 'zod';
import { defineMethod } from '../../dist/index.js';
import { now } from './payload.mjs';

export default defineMethod({
	name: 'stamp',
	kind: 'command',
	data: z.unknown(),
	description: 'Says when it was started.',
	run: () => ({ startedAt: now() }),
});
