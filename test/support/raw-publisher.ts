/**
 * Owns a connection that speaks the protocol itself: bytes that no client library would send.
 * Promises that what was published has been read by the server when `flush` answers true; false where the server closed the
 * connection over it. Closed at the end.
 */

import { connect, type Socket } from 'node:net';

type Bytes = Uint8Array | string;

type RawMessage = {
	readonly subject: Bytes;
	readonly reply?: string;
	/** The whole block, as it is sent: `NATS/1.0\r\n…\r\n\r\n` where it is to be a good one. */
	readonly headers?: Bytes;
	readonly body: Bytes;
};

export type RawPublisher = AsyncDisposable & {
	publish(message: RawMessage): void;
	flush(): Promise<boolean>;
};

/** `server`: `127.0.0.1:PORT`, as the client's `getServer()` says it. */
export async function openRawPublisher(server: string): Promise<RawPublisher> {
	const [host = '', port = ''] = server.split(':');
	const socket = connect(Number(port), host);
	await new Promise<void>((resolve, reject) => {
		socket.once('connect', resolve);
		socket.once('error', reject);
	});
	const pongs = waitingFor(socket);
	socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"protocol":1}\r\n');
	return {
		publish({ subject, reply = '', headers = '', body }) {
			const [head, data] = [Buffer.from(headers), Buffer.from(body)];
			const sizes = head.length === 0 ? `${data.length}` : `${head.length} ${head.length + data.length}`;
			const verb = head.length === 0 ? 'PUB' : 'HPUB';
			const parts = [`${verb} `, subject, ` ${reply} ${sizes}\r\n`, head, data, '\r\n'];
			if (socket.writable) socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
		},
		flush() {
			const answered = pongs();
			if (socket.writable) socket.write('PING\r\n');
			return answered;
		},
		async [Symbol.asyncDispose]() {
			if (!socket.closed) {
				const closed = new Promise((resolve) => socket.once('close', resolve));
				socket.destroy();
				await closed;
			}
		},
	};
}

/** Answers with the next PONG: true, or false when the connection ends before it. */
function waitingFor(socket: Socket): () => Promise<boolean> {
	const waiting: ((isAlive: boolean) => void)[] = [];
	const end = () => {
		for (const resolve of waiting.splice(0)) resolve(false);
	};
	let text = '';
	socket.setEncoding('latin1').on('data', (piece: string) => {
		const lines = (text + piece).split('\r\n');
		text = lines.pop() ?? '';
		for (const line of lines) {
			if (line === 'PONG') waiting.shift()?.(true);
			else if (line === 'PING' && socket.writable) socket.write('PONG\r\n');
		}
	});
	socket.on('error', end);
	socket.on('close', end);
	return () =>
		new Promise((resolve) => {
			waiting.push(resolve);
			if (!socket.writable) end();
		});
}
