/**
 * Owns what clients and the broker said to each other, read from the broker's own calls of the system.
 * Promises each message with the place in the trace where it was said: what clients said when the broker had read it, what
 * the broker said when it asked for it to be sent, so that an answer is never dated later than it was promised. Pure.
 */

import { type Call, descriptorOf, type Trace, textsOf } from './trace.ts';

/** A message of the NATS protocol: PUB or HPUB where a client said it, MSG or HMSG where the broker did. */
export type Said = {
	readonly by: 'client' | 'broker';
	readonly place: number;
	readonly subject: string;
	readonly reply: string;
	readonly headers: string;
	readonly data: Buffer;
};

type Stream = { bytes: Buffer };

/** All messages between the process of the trace and its peers; `isBroker` tells which side the process is. */
export function readWire(trace: Trace, isBroker: boolean): Said[] {
	const said: Said[] = [];
	const streams = new Map<string, Stream>();
	for (const step of trace.steps) {
		if (!step || step.phase === 'asked') continue;
		const { call } = step;
		const isRead = call.name === 'read';
		if (!(isRead || call.name === 'write' || call.name === 'writev') || call.result <= 0) continue;
		const { target } = descriptorOf(call.args);
		if (!target.startsWith('TCP:')) continue;
		const key = `${isRead ? 'in' : 'out'} ${target}`;
		const stream = streams.get(key) ?? { bytes: Buffer.alloc(0) };
		streams.set(key, stream);
		stream.bytes = Buffer.concat([stream.bytes, bytesOf(call)]);
		const by = isRead === isBroker ? 'client' : 'broker';
		const place = isRead ? (call.answered ?? 0) : call.asked;
		for (const message of takeMessages(stream)) said.push({ by, place, ...message });
	}
	return said.sort((one, other) => one.place - other.place);
}

function bytesOf(call: Call): Buffer {
	return Buffer.concat(textsOf(call.args)).subarray(0, call.result);
}

/** Takes whole messages from the front; other lines of the protocol are skipped. */
function* takeMessages(stream: Stream): Generator<Pick<Said, 'subject' | 'reply' | 'headers' | 'data'>> {
	for (;;) {
		const end = stream.bytes.indexOf('\r\n');
		if (end < 0) return;
		const [verb = '', ...words] = stream.bytes.subarray(0, end).toString().split(' ');
		if (!/^H?(PUB|MSG)$/.test(verb)) {
			stream.bytes = stream.bytes.subarray(end + 2);
			continue;
		}
		const hasHeaders = verb.startsWith('H');
		const total = Number(words.pop());
		const head = hasHeaders ? Number(words.pop()) : 0;
		const [subject = '', ...rest] = words;
		const reply = (verb.endsWith('MSG') ? rest[1] : rest[0]) ?? '';
		if (!(total >= head)) throw new Error(`the trace holds half a message: ${verb} ${words.join(' ')}`);
		const begin = end + 2;
		if (stream.bytes.length < begin + total + 2) return;
		const body = stream.bytes.subarray(begin, begin + total);
		stream.bytes = stream.bytes.subarray(begin + total + 2);
		yield { subject, reply, headers: body.subarray(0, head).toString(), data: body.subarray(head) };
	}
}

export function headerOf({ headers }: Pick<Said, 'headers'>, name: string): string | undefined {
	const line = headers.split('\r\n').find((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`));
	return line?.slice(name.length + 1).trim();
}
