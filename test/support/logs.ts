/**
 * Owns reading a command's output in tests.
 * Promises what each stream said, whole or as a digest, with its gaps in order.
 * Holds nothing.
 */

import { createHash } from 'node:crypto';
import type { Fleet } from '../../src/client/fleet.ts';
import type { LogPiece, LogsOptions } from '../../src/client/logs.ts';
import type { OutputStream } from '../../src/domain/output.ts';

export type ReadLogs = {
	readonly pieces: readonly LogPiece[];
	/** `text` of a long output is too much for a comparison: then take `sha256`. */
	readonly stdout: { readonly text: string; readonly bytes: number; readonly sha256: string };
	readonly stderr: { readonly text: string; readonly bytes: number; readonly sha256: string };
	readonly gaps: readonly Extract<LogPiece, { kind: 'gap' }>[];
	readonly end: Extract<LogPiece, { kind: 'end' }> | undefined;
};

export async function readLogs(fleet: Fleet, handle: string, options: LogsOptions = {}): Promise<ReadLogs> {
	const pieces: LogPiece[] = [];
	for await (const piece of fleet.logs(handle, options)) pieces.push(piece);
	const said = (stream: OutputStream) => {
		const chunks = pieces
			.filter((piece) => piece.kind === 'chunk')
			.filter((piece) => piece.stream === stream);
		const bytes = Buffer.concat(chunks.map(({ data }) => data));
		return { text: bytes.toString('latin1'), bytes: bytes.length, sha256: sha256(bytes) };
	};
	return {
		pieces,
		stdout: said('stdout'),
		stderr: said('stderr'),
		gaps: pieces.filter((piece) => piece.kind === 'gap'),
		end: pieces.find((piece) => piece.kind === 'end'),
	};
}

export function sha256(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}
