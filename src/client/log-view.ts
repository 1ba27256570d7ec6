/**
 * Owns how a piece of output is told in JSON.
 * Promises text where the bytes are text, base64 where they are not, and the fields of every other piece as null.
 * Pure.
 */

import { isUtf8 } from 'node:buffer';
import type { LogPieceView } from '../domain/view-schema.ts';
import type { LogPiece } from './logs.ts';

export function logView(handle: string, piece: LogPiece): LogPieceView {
	const nothing = { stream: null, data: null, encoding: null, bytes: null, reason: null };
	const view = { handle, ...nothing, state: null, complete: null };
	if (piece.kind !== 'chunk') return { ...view, ...piece };
	const { kind, attempt, stream, data } = piece;
	const encoding = isUtf8(data) ? 'utf8' : 'base64';
	return {
		...view,
		...{ kind, attempt, stream, encoding, bytes: data.length },
		data: Buffer.from(data).toString(encoding),
	};
}
