/**
 * Owns chunks of output as they are stored: raw bytes, and headers that say which bytes of what they are.
 * Promises that whatever else is on the stream is read as nothing, never as half a chunk.
 * A chunk may be stored twice, after an answer that was lost: its attempt and number are the same.
 */

import {
	type BytesOfStreams,
	type OutputChunk,
	type OutputContent,
	type OutputStream,
	outputEnds,
	outputStreams,
} from '../domain/output.ts';
import { parseOutputSubject, subjects } from '../domain/subject.ts';
import type { PublishRequest } from './publisher.ts';

const header = {
	kind: 'Steward-Output',
	attempt: 'Steward-Attempt',
	number: 'Steward-Number',
	stream: 'Steward-Stream',
	offset: 'Steward-Offset',
	cut: 'Steward-Cut',
	how: 'Steward-End',
	totals: { stdout: 'Steward-Stdout-Bytes', stderr: 'Steward-Stderr-Bytes' },
} as const;

export function outputRequest(node: string, id: string, chunk: OutputChunk): PublishRequest {
	const { attempt, number } = chunk;
	return {
		subject: subjects.output(node, id),
		data: chunk.kind === 'data' ? chunk.data : '',
		headers: {
			[header.kind]: chunk.kind,
			[header.attempt]: String(attempt),
			[header.number]: String(number),
			...contentHeaders(chunk),
		},
	};
}

function contentHeaders(content: OutputContent): Record<string, string> {
	if (content.kind === 'end') {
		return {
			[header.how]: content.how,
			[header.totals.stdout]: String(content.totals.stdout),
			[header.totals.stderr]: String(content.totals.stderr),
		};
	}
	const place = { [header.stream]: content.stream, [header.offset]: String(content.offset) };
	return content.kind === 'data' ? place : { ...place, [header.cut]: String(content.bytes) };
}

type Stored = {
	readonly subject: string;
	readonly data: Uint8Array;
	readonly header: (name: string) => string;
};

/** Undefined for what is no chunk of output. */
export function readOutputChunk(
	message: Stored,
): { readonly node: string; readonly id: string; readonly chunk: OutputChunk } | undefined {
	const address = parseOutputSubject(message.subject);
	const attempt = count(message, header.attempt);
	const number = count(message, header.number);
	const content = readContent(message);
	if (!address || !attempt || !number || !content) return undefined;
	return { ...address, chunk: { attempt, number, ...content } };
}

function readContent(message: Stored): OutputContent | undefined {
	const kind = message.header(header.kind);
	if (kind === 'end') return readEnd(message);
	const stream = outputStreams.find((name) => name === message.header(header.stream));
	const offset = count(message, header.offset);
	if (stream === undefined || offset === undefined) return undefined;
	if (kind === 'data') return { kind, stream, offset, data: message.data };
	const bytes = count(message, header.cut);
	return kind === 'cut' && bytes !== undefined ? { kind, stream, offset, bytes } : undefined;
}

function readEnd(message: Stored): OutputContent | undefined {
	const how = outputEnds.find((name) => name === message.header(header.how));
	const total = (stream: OutputStream) => count(message, header.totals[stream]);
	const [stdout, stderr] = [total('stdout'), total('stderr')];
	if (how === undefined || stdout === undefined || stderr === undefined) return undefined;
	const totals: BytesOfStreams = { stdout, stderr };
	return { kind: 'end', how, totals };
}

/** A number from 0 on; undefined for anything else. */
function count(message: Stored, name: string): number | undefined {
	const text = message.header(name);
	const number = Number(text);
	return /^\d+$/.test(text) && Number.isSafeInteger(number) ? number : undefined;
}
