/**
 * Owns what takes the place of something while its stream is copied: the server's copy holds neither, because the old one is
 * gone when its block is read, and the new one is in a block that was not there when the copy began (nats-server 2.15.1: of
 * 120 keys, 60 of which were written again meanwhile, the copy had 60). So what came since is read, and published after a restore.
 * Promises the last message of each subject, under a later sequence where sequences have gaps. A crash leaves the copy as it was.
 */

import { headers as makeHeaders } from '@nats-io/transport-node';
import { z } from 'zod';
import type { Connection } from './connection.ts';

const tailMessage = z.object({
	seq: z.number().int(),
	subject: z.string().min(1),
	headers: z.array(z.tuple([z.string(), z.array(z.string())])),
	data: z.base64(),
});

/** Each round reads what came during the one before it; what never comes to rest is left after so many. */
const mostRounds = 8;
const atOnce = 32;
/** Wishes to the server about the publish that they came with. */
const wishes = /^Nats-(Expected-|Batch-|Msg-Id$|Rollup$)/i;

/** Reads what is above `lastSeq`, one line of JSON a message; answers how many. */
export async function readTail(
	connection: Connection,
	stream: string,
	lastSeq: number,
	write: (line: string) => Promise<void>,
): Promise<number> {
	let [from, count] = [lastSeq + 1, 0];
	for (let round = 0; round < mostRounds; round++) {
		const { state } = await connection.jsm.streams.info(stream);
		if (state.last_seq < from) return count;
		for (; from <= state.last_seq; from += atOnce) {
			const seqs = Array.from({ length: Math.min(atOnce, state.last_seq - from + 1) }, (_, i) => from + i);
			for (const line of await Promise.all(seqs.map((seq) => lineOf(connection, stream, seq)))) {
				if (line === undefined) continue;
				await write(line);
				count += 1;
			}
		}
		from = state.last_seq + 1;
	}
	return count;
}

/** Undefined where nothing is there any more. */
async function lineOf({ jsm }: Connection, stream: string, seq: number): Promise<string | undefined> {
	const message = await jsm.streams.getMessage(stream, { seq });
	if (!message) return undefined;
	const headers = [...message.header].filter(([name]) => !wishes.test(name));
	const data = Buffer.from(message.data).toString('base64');
	return `${JSON.stringify({ seq, subject: message.subject, headers, data })}\n`;
}

/** Publishes the lines above `lastSeq`, in their order. @throws what the server says of one that it does not take */
export async function publishTail(
	{ js }: Connection,
	lastSeq: number,
	lines: AsyncIterable<string>,
): Promise<void> {
	for await (const line of lines) {
		const { seq, subject, headers, data } = tailMessage.parse(JSON.parse(line));
		if (seq <= lastSeq) continue;
		const published = makeHeaders();
		for (const [name, values] of headers) for (const value of values) published.append(name, value);
		await js.publish(subject, Buffer.from(data, 'base64'), { headers: published });
	}
}
