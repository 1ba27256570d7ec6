import { expect, test } from 'vitest';
import { printOutput } from '../../src/cli/render/output.ts';
import type { OutputSummary } from '../../src/domain/result.ts';
import { keptScreen } from '../support/screen.ts';

function summary(change: Partial<OutputSummary>): OutputSummary {
	const text = `${change.head ?? ''}${change.tail ?? ''}`;
	return { head: '', tail: '', bytes: text.length, sha256: 'abc', encoding: 'utf8', cut: 0, ...change };
}

test('a pipe gets the bytes as they were', () => {
	const screen = keptScreen();
	printOutput(screen, summary({ head: 'a\u001b[31mb\r\n', tail: 'c' }));
	expect(screen.text).toBe('a\u001b[31mb\r\nc');
});

test('a terminal gets no control characters, and a newline at the end', () => {
	const screen = keptScreen({ columns: 80 });
	printOutput(screen, summary({ head: 'a\u001b[31mb' }));
	expect(screen.text).toBe('a\\u001b[31mb\n');
});

test('between head and tail stands how much is missing', () => {
	const screen = keptScreen();
	printOutput(screen, summary({ head: 'begin', tail: 'end', bytes: 40_000, cut: 39_992 }));
	expect(screen.text).toBe('begin\n[steward: 39,992 bytes are cut here, of 40,000; sha256 of all: abc]\nend');
});

test('binary output is decoded for a pipe, and only told to a terminal', () => {
	const bytes = Buffer.from([0, 255, 254, 10]);
	const binary = summary({ encoding: 'base64', head: bytes.toString('base64'), bytes: 4 });
	const pipe = keptScreen();
	printOutput(pipe, binary);
	expect(pipe.bytes).toEqual(bytes);
	const terminal = keptScreen({ columns: 80 });
	printOutput(terminal, binary);
	expect(terminal.text).toBe('[binary output, 4 bytes: pipe steward logs to have them]\n');
});

test('no output is no line', () => {
	const screen = keptScreen({ columns: 80 });
	printOutput(screen, summary({}));
	expect(screen.text).toBe('');
});
