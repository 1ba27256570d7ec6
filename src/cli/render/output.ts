/**
 * Owns how the output of a remote command is printed: what was kept of it, and a mark where something was cut.
 * Promises the bytes as they were where they are asked for, and else nothing that steers a terminal.
 * Pure but for the writing.
 */

import { counted, neutralise } from '../../base/text.ts';
import type { OutputSummary } from '../../domain/result.ts';
import type { Screen } from './screen.ts';

/**
 * Head, mark, tail. Ends with a newline where somebody reads it.
 * @param raw The bytes as they were: the way of a pipe, if nothing else is said.
 */
export function printOutput(screen: Screen, output: OutputSummary, raw = !screen.isTTY): void {
	if (output.bytes === 0) return;
	if (!raw && output.encoding === 'base64') {
		const words = `[binary output, ${counted(output.bytes, 'byte')}: pipe steward logs to have them]`;
		screen.line(screen.paint('dim', words));
		return;
	}
	const pieces = output.cut > 0 ? [output.head, null, output.tail] : [output.head, output.tail];
	for (const piece of pieces) {
		if (piece === null) screen.raw(screen.paint('yellow', cutMark(output)));
		else if (output.encoding === 'base64') screen.raw(Buffer.from(piece, 'base64'));
		else screen.raw(raw ? piece : neutralise(piece));
	}
	if (!(raw && !screen.isTTY) && !(output.tail || output.head).endsWith('\n')) screen.line();
}

function cutMark({ cut, bytes, sha256 }: OutputSummary): string {
	return `\n[steward: ${counted(cut, 'byte is', 'bytes are')} cut here, of ${count(bytes)}; sha256 of all: ${sha256}]\n`;
}

/** `12,345`, the same everywhere. */
export function count(number: number): string {
	return number.toLocaleString('en-US');
}
