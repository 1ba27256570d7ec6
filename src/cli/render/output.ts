/**
 * Owns how the output of a remote command is printed: what was kept of it, and a mark where something was cut.
 * Promises the bytes as they were when the output is piped, and nothing that steers a terminal when it is not.
 * Pure but for the writing.
 */

import type { OutputSummary } from '../../domain/result.ts';
import { neutralise, type Screen } from './screen.ts';

/** Head, mark, tail. Ends with a newline on a terminal. */
export function printOutput(screen: Screen, output: OutputSummary): void {
	if (output.bytes === 0) return;
	if (screen.isTTY && output.encoding === 'base64') {
		screen.line(screen.paint('dim', `[binary output, ${count(output.bytes)} bytes: pipe it to have them]`));
		return;
	}
	const pieces = output.cut > 0 ? [output.head, null, output.tail] : [output.head, output.tail];
	for (const piece of pieces) {
		if (piece === null) screen.raw(screen.paint('yellow', cutMark(output)));
		else if (output.encoding === 'base64') screen.raw(Buffer.from(piece, 'base64'));
		else screen.raw(screen.isTTY ? neutralise(piece) : piece);
	}
	if (screen.isTTY && !(output.tail || output.head).endsWith('\n')) screen.line();
}

function cutMark({ cut, bytes, sha256 }: OutputSummary): string {
	return `\n[steward: ${count(cut)} bytes are cut here, of ${count(bytes)}; sha256 of all: ${sha256}]\n`;
}

/** `12,345`, the same everywhere. */
export function count(number: number): string {
	return number.toLocaleString('en-US');
}
