import { expect, test } from 'vitest';
import { LogPrinter } from '../../src/cli/render/log.ts';
import type { LogPiece } from '../../src/client/logs.ts';
import { keptScreen } from '../support/screen.ts';

const chunk = (stream: 'stdout' | 'stderr', data: string | Uint8Array): LogPiece => ({
	...{ kind: 'chunk', attempt: 1, stream },
	data: Buffer.from(data),
});
const gap = (bytes: number | null, reason: 'cut' | 'missing' | 'cutOff' = 'missing'): LogPiece => ({
	...{ kind: 'gap', attempt: 1, stream: bytes === null ? null : 'stdout', bytes, reason },
});

async function printed(pieces: readonly LogPiece[], columns?: number) {
	const size = columns === undefined ? {} : { columns };
	const screens = { stdout: keptScreen(size), stderr: keptScreen(size) };
	const printer = new LogPrinter({ ...screens, program: 'steward', handle: 'ship1.a' });
	for (const piece of pieces) await printer.print(piece);
	return { stdout: screens.stdout.bytes.toString('latin1'), stderr: screens.stderr.text };
}

test('a pipe gets the bytes; what is missing is said on stderr, on lines of their own', async () => {
	const { stdout, stderr } = await printed([
		{ kind: 'attempt', attempt: 1 },
		chunk('stdout', new Uint8Array([0x1b, 0xff])),
		gap(1_234_567),
		chunk('stderr', 'half a line'),
		gap(5, 'cut'),
		gap(null),
		gap(null, 'cutOff'),
		{ kind: 'attempt', attempt: 2 },
		{ kind: 'end', attempt: 2, state: 'interrupted', complete: false },
	]);
	expect(stdout).toBe('\u001b\u00ff');
	expect(stderr.split('\n')).toEqual([
		'[steward: 1,234,567 bytes of stdout are missing here]',
		'half a line',
		'[steward: 5 bytes of stdout are missing here: the node had no room for them]',
		'[steward: some of output is missing here]',
		'[steward: the node died here: what was said last may be missing]',
		'[steward: attempt 2]',
		'[steward: ship1.a is interrupted, and its node may still owe some of the output: ask again when it is there]',
		'',
	]);
});

test('a terminal gets whole characters, nothing that steers it, and the end of the last line', async () => {
	const euro = Buffer.from('€');
	const { stdout } = await printed(
		[
			chunk('stdout', Buffer.concat([Buffer.from('a\u001b[2J'), euro.subarray(0, 1)])),
			chunk('stdout', Buffer.concat([euro.subarray(1), Buffer.from('line\r')])),
			chunk('stdout', '\nlone\rend'),
			{ kind: 'end', attempt: 1, state: 'succeeded', complete: true },
		],
		80,
	);
	expect(Buffer.from(stdout, 'latin1').toString()).toBe('a\\u001b[2J€line\nlone\\rend\n');
});
