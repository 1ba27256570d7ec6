/**
 * Owns how output is written on the node's disk: frames in segment files, and marks that say what was made a chunk.
 * Promises that a frame which is not whole, as a crash may leave one, is read as "no more".
 * Pure.
 */

import {
	type BytesOfStreams,
	type OutputContent,
	type OutputEnd,
	type OutputStream,
	outputEnds,
	outputStreams,
} from '../../domain/output.ts';

/** Bytes of one stream, as they were produced; or the end of the attempt. */
export type Frame =
	| { readonly kind: 'data'; readonly stream: OutputStream; readonly offset: number; readonly bytes: number }
	| { readonly kind: 'end'; readonly how: OutputEnd; readonly totals: BytesOfStreams };

/** Kind, and two numbers of six bytes. */
export const frameHeaderBytes = 14;
const magic = 0x5f;
const endCode = 8;

/** The header of data; its bytes follow. */
export function dataHeader(stream: OutputStream, offset: number, bytes: number): Buffer {
	return header(outputStreams.indexOf(stream), offset, bytes);
}

export function endFrame(how: OutputEnd, totals: BytesOfStreams): Buffer {
	return header(endCode + outputEnds.indexOf(how), totals.stdout, totals.stderr);
}

/** Undefined where no frame begins. */
export function readFrame(bytes: Buffer): Frame | undefined {
	const read = readHeader(bytes);
	if (!read) return undefined;
	const { code, first, second } = read;
	const how = outputEnds[code - endCode];
	if (how !== undefined) return { kind: 'end', how, totals: { stdout: first, stderr: second } };
	const stream = outputStreams[code];
	return stream === undefined ? undefined : { kind: 'data', stream, offset: first, bytes: second };
}

/** A chunk was made of this, before it was sent for the first time. Its number is its place in the file. */
export type Mark = {
	readonly segment: number;
	readonly kind: 'data' | 'cut';
	readonly stream: OutputStream;
	readonly offset: number;
	readonly bytes: number;
};

const markBytes = frameHeaderBytes + 4;
const cutCode = 4;

/** The end needs none: it is always the last. */
export function markOf(segment: number, content: Exclude<OutputContent, { kind: 'end' }>): Buffer {
	const { stream, offset } = content;
	const code = outputStreams.indexOf(stream) + (content.kind === 'cut' ? cutCode : 0);
	const place = Buffer.alloc(4);
	place.writeUInt32BE(segment);
	const bytes = content.kind === 'data' ? content.data.length : content.bytes;
	return Buffer.concat([header(code, offset, bytes), place]);
}

/** All whole marks, in order. */
export function readMarks(file: Buffer): Mark[] {
	const marks: Mark[] = [];
	for (let at = 0; at + markBytes <= file.length; at += markBytes) {
		const read = readHeader(file.subarray(at));
		if (!read) break;
		const { code, first: offset, second: bytes } = read;
		const segment = file.readUInt32BE(at + frameHeaderBytes);
		const stream = outputStreams[code % cutCode];
		if (stream) marks.push({ segment, kind: code < cutCode ? 'data' : 'cut', stream, offset, bytes });
	}
	return marks;
}

function header(code: number, first: number, second: number): Buffer {
	const bytes = Buffer.allocUnsafe(frameHeaderBytes);
	bytes.writeUInt8(magic, 0);
	bytes.writeUInt8(code, 1);
	bytes.writeUIntBE(first, 2, 6);
	bytes.writeUIntBE(second, 8, 6);
	return bytes;
}

function readHeader(bytes: Buffer): { code: number; first: number; second: number } | undefined {
	if (bytes.length < frameHeaderBytes || bytes[0] !== magic) return undefined;
	return { code: bytes.readUInt8(1), first: bytes.readUIntBE(2, 6), second: bytes.readUIntBE(8, 6) };
}
