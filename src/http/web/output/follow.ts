/**
 * Owns the reading of a command's output from the server: pieces as they come, until its end.
 * Promises that what is missing is said in its place, and that the page stays quick while much comes at once.
 * Keeps nothing: who reads again begins anew, because what is kept on the stream may have changed.
 */

import type { LogPieceView } from '../../../domain/view-schema.ts';
import { ApiError } from '../api.ts';
import { showPiece } from './pieces.ts';
import type { OutputScreen } from './screen.ts';

/** This long the page may be busy with output before it draws. */
const busyMs = 12;

/**
 * Resolves with the last piece when nothing more will come; undefined where the server ended before that.
 * @throws ApiError, or whatever ended the link
 */
export async function followOutput(
	handle: string,
	screen: OutputScreen,
	{ signal, onChange }: { readonly signal: AbortSignal; readonly onChange: () => void },
): Promise<LogPieceView | undefined> {
	const answer = await fetch(`/api/v1/commands/${encodeURIComponent(handle)}/output?follow=true`, {
		credentials: 'same-origin',
		headers: { accept: 'application/x-ndjson' },
		signal,
	});
	if (!answer.ok || !answer.body)
		throw new ApiError('offline', `the output was answered with ${answer.status}`);
	let busySince = performance.now();
	for await (const piece of piecesOf(answer.body)) {
		showPiece(screen, piece);
		onChange();
		if (piece.kind === 'end') return piece;
		if (performance.now() - busySince < busyMs) continue;
		await new Promise((resolve) => setTimeout(resolve));
		busySince = performance.now();
	}
	return undefined;
}

async function* piecesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<LogPieceView> {
	const decoder = new TextDecoder();
	const reader = body.getReader();
	let rest = '';
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
			rest = lines.pop() ?? '';
			for (const line of lines) if (line !== '') yield JSON.parse(line) as LogPieceView;
		}
	} finally {
		await reader.cancel();
	}
}
