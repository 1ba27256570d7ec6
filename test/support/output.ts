/**
 * Owns the output of a run in tests that have no node around it.
 * Promises the summaries of a result and, where asked to `keep` it, what was taken, in order; nothing is spooled.
 * Holds nothing outside itself.
 */

import type { BytesOfStreams, OutputStream } from '../../src/domain/output.ts';
import { AttemptOutput } from '../../src/node/output/attempt-output.ts';
import { Redaction } from '../../src/node/output/redactor.ts';

export type KeptOutput = AttemptOutput & {
	readonly taken: readonly { stream: OutputStream; offset: number; text: string }[];
	readonly totals: BytesOfStreams | undefined;
};

export function keptOutput(options: { redact?: readonly string[]; keep?: boolean } = {}): KeptOutput {
	const { redact = [], keep = false } = options;
	const taken: { stream: OutputStream; offset: number; text: string }[] = [];
	let totals: BytesOfStreams | undefined;
	const output = new AttemptOutput(new Redaction(redact), {
		append: async (stream, offset, data) => {
			if (keep) taken.push({ stream, offset, text: data.toString('latin1') });
		},
		finish: (counted) => {
			totals = counted;
		},
	});
	return Object.defineProperties(output, {
		taken: { get: () => taken },
		totals: { get: () => totals },
	}) as KeptOutput;
}
