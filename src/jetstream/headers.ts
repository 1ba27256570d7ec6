/**
 * Owns the headers of messages: reading those that anybody may have written, and writing many of our own quickly.
 * Reading promises never to throw, and that of a name which stands there twice the last one counts: what the server adds to a message
 * comes after what its sender wrote. (The client throws at a name with a space, or at a lone carriage return, out of the
 * property itself: whoever looked at such a message would end, or never read again. And it puts each name into another form first.) Pure.
 */

import type { StoredMsg } from '@nats-io/jetstream';
import { type Msg, type MsgHdrs, headers as makeHeaders } from '@nats-io/transport-node';

export type Headers = {
	/** Status of the server, 0 where there is none. A sender can write one as well. */
	readonly code: number;
	readonly description: string;
	/** Empty where it is not there. */
	readonly get: (name: string) => string;
};

export function headersOf(message: Msg): Headers {
	const bytes = rawHeaders(message);
	return bytes?.toString('latin1', 0, 8) === 'NATS/1.0' ? new Received(bytes) : byTheClient(message);
}

class Received implements Headers {
	/** A byte is a character, so that what stands in the one is found in the other. */
	readonly #text: string;
	readonly #bytes: Buffer;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
		this.#text = bytes.toString('latin1');
	}

	get code(): number {
		return statusOf(this.#text).code;
	}

	get description(): string {
		return statusOf(this.#text).description;
	}

	/**
	 * Found in the text as it came: for many messages a list of all names takes longer than all the rest of them. A value is made of
	 * its own bytes: a piece of the text would keep all of the text, for as long as somebody keeps the value.
	 */
	readonly get = (name: string): string => {
		const mark = `\r\n${name}:`;
		let at = this.#text.indexOf(mark);
		if (at < 0) return '';
		// Forwards: the runtime searches backwards at half the speed, and most names are asked for where they are not.
		for (let next = at; next >= 0; next = this.#text.indexOf(mark, next + 1)) at = next;
		const from = at + mark.length;
		const end = this.#text.indexOf('\r\n', from);
		return this.#bytes.toString('utf8', from, end < 0 ? undefined : end).trim();
	};
}

/**
 * Whether it has no headers and wants no answer. Where the broker has accounts, one ship can have an answer of the server's sent to
 * a subject that another listens to, by the reply of its question: such an answer has headers, or a reply of its own.
 */
export function isBare(message: Msg): boolean {
	try {
		return !message.reply && message.headers === undefined;
	} catch {
		return false;
	}
}

/** Of a message that came as JSON. Where a name or a value among them is bad, steward did not write them, and none counts. */
export function storedHeader(message: StoredMsg, name: string): string {
	try {
		return message.header.last(name);
	} catch {
		return '';
	}
}

/** Of what has none, or whose subject is no UTF-8: then nobody but the client knows where they begin. */
function byTheClient(message: Msg): Headers {
	try {
		const { headers } = message;
		return {
			code: headers?.code ?? 0,
			description: headers?.description ?? '',
			get: (name) => headers?.last(name) ?? '',
		};
	} catch {
		return { code: 0, description: '', get: () => '' };
	}
}

function statusOf(text: string): { code: number; description: string } {
	const [, code = '0', description = ''] = /^NATS\/1\.0 +(\d{3})(.*)\r/.exec(text) ?? [];
	return { code: Number(code), description: description.trim() };
}

/** Of subject, reply, headers and body; the client does not put it into its types. */
function sizeOf(message: Msg): number {
	return 'size' in message && typeof message.size === 'function' ? Number(message.size()) : 0;
}

/** They lie before the body, in the bytes that were received. */
function rawHeaders(message: Msg): Buffer | undefined {
	const { data, subject, reply = '' } = message;
	const length = sizeOf(message) - Buffer.byteLength(subject) - Buffer.byteLength(reply) - data.length;
	if (length <= 0 || length > data.byteOffset) return undefined;
	return Buffer.from(data.buffer, data.byteOffset - length, length);
}

/**
 * Headers to publish once, as they are. For many messages the client's own way (each name normalised, searched for and kept in a
 * list) takes longer than all the rest of them.
 * @throws TypeError where a value would begin another line
 */
export function headersToPublish(...groups: readonly Readonly<Record<string, string>>[]): MsgHdrs {
	let text = 'NATS/1.0\r\n';
	for (const fields of groups) {
		for (const name in fields) {
			const value = fields[name] ?? '';
			if (value.includes('\n') || value.includes('\r')) throw new TypeError(`${name} has more than one line`);
			text += `${name}: ${value}\r\n`;
		}
	}
	const bytes = Buffer.from(`${text}\r\n`);
	return Object.assign(Object.create(noHeaders), { encode: () => bytes });
}

const noHeaders = makeHeaders();
