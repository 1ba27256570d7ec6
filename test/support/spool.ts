/**
 * Owns looking into the spool of a node's output, while the node writes there or after it was killed.
 * Promises how far each stream of a command is on the disk, by the frames that are whole.
 * Only reads.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputStream } from '../../src/domain/output.ts';
import { frameHeaderBytes, readFrame } from '../../src/node/output/frames.ts';

/** The end of what was said last on each stream, in bytes from the beginning of the attempt. */
export async function spooledUntil(
	folder: string,
	id: string,
): Promise<Readonly<Record<OutputStream, number>>> {
	const until = { stdout: 0, stderr: 0 };
	const names = await readdir(folder);
	for (const name of names.filter((one) => one.startsWith(`${id}.`) && one.endsWith('.segment'))) {
		const bytes = await readFile(join(folder, name));
		for (let at = 0; ; ) {
			const frame = readFrame(bytes.subarray(at));
			if (frame?.kind !== 'data') break;
			at += frameHeaderBytes + frame.bytes;
			if (at > bytes.length) break;
			until[frame.stream] = Math.max(until[frame.stream], frame.offset + frame.bytes);
		}
	}
	return until;
}
