/**
 * Owns what each piece of an output becomes on the screen: bytes, a note where an attempt begins, a note where something is missing.
 * Promises that what is missing is said in its place, with why. Pure but for the screen.
 */

import type { LogPieceView } from '../../../domain/view-schema.ts';
import { bytes as byteWords } from '../words.ts';
import type { OutputScreen } from './screen.ts';

const encoder = new TextEncoder();

export function showPiece(screen: OutputScreen, piece: LogPieceView): void {
	switch (piece.kind) {
		case 'attempt':
			if (piece.attempt > 1 || screen.lines.length > 0) screen.note(`attempt ${piece.attempt}`);
			return;
		case 'chunk': {
			const data = piece.data ?? '';
			const bytes = piece.encoding === 'base64' ? bytesOf(data) : encoder.encode(data);
			return screen.write(piece.stream ?? 'stdout', bytes);
		}
		case 'gap':
			return screen.note(gapWords(piece));
		case 'end':
			return;
	}
}

function gapWords({ bytes, stream, reason }: Pick<LogPieceView, 'bytes' | 'stream' | 'reason'>): string {
	const what = [bytes === null ? 'Some' : byteWords(bytes), stream ? `of ${stream}` : 'of output'].join(' ');
	switch (reason) {
		case 'cut':
			return `${what} is not here: the node had no room for it`;
		case 'cutOff':
			return `${what} may be missing here: the node died`;
		default:
			return `${what} is not kept any more`;
	}
}

function bytesOf(base64: string): Uint8Array {
	return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
