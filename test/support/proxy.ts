/**
 * Owns a link that a test can break: a TCP proxy on loopback in front of a server.
 * Promises that bytes are never reordered or half lost: what a black hole held goes on when it heals, and a connection
 * that lost bytes is closed by `heal`, as TCP would have done. Everything is closed when it is disposed of.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';

export type LinkProxy = AsyncDisposable & {
	/** `nats://127.0.0.1:PORT` of the proxy, the same while it lives. */
	readonly url: string;
	readonly port: number;
	/** How many connections of clients are open. */
	readonly connections: number;
	/** How many connections of clients there ever were. */
	readonly accepted: number;
	/** Bytes that clients sent and that went on to the server. */
	readonly bytesToServer: number;
	/** Bytes from the server that were swallowed. */
	readonly bytesLost: number;
	/** Closes what is open and whatever connects from now on. */
	cut(): void;
	/** Accepts, and passes nothing in either direction; what is open stays open. */
	blackHole(): void;
	/** Passes what clients send and swallows what the server says: answers get lost. */
	dropServerToClient(): void;
	/**
	 * Waits for clients to send what matches, and does as `then` says at that moment: `hold` passes neither it nor anything
	 * after it, `dropServerToClient` passes it and swallows the answers. Resolves when it has come.
	 */
	tripAt(pattern: RegExp, then: 'hold' | 'dropServerToClient'): Promise<void>;
	/** Delays every byte in each direction. */
	latency(ms: number): void;
	/** Resets a connection at a chunk of data with this probability, drawn from `random`. */
	resets(probability: number, random: () => number): void;
	/** Passes so many bytes a second in each direction of each connection. */
	bandwidth(bytesPerSecond: number): void;
	/** Passes everything again, at once, and waits for nothing any more. */
	heal(): void;
};

type Mode = 'pass' | 'cut' | 'blackHole' | 'dropServerToClient';

export async function startProxy(targetPort: number): Promise<LinkProxy> {
	const pairs = new Set<Pair>();
	const link: Link = {
		mode: 'pass',
		delayMs: 0,
		isReset: () => false,
		bytesPerMs: Number.POSITIVE_INFINITY,
		targetPort,
		bytesToServer: 0,
		bytesLost: 0,
		trip: undefined,
	};
	let accepted = 0;
	const server = createServer({ noDelay: true }, (client) => {
		accepted += 1;
		if (link.mode === 'cut') return void client.on('error', () => undefined).resetAndDestroy();
		const pair = new Pair(link, client, () => pairs.delete(pair));
		pairs.add(pair);
		pair.follow();
	});
	const port = await listen(server);
	const change = (mode: Mode) => {
		link.mode = mode;
		for (const pair of [...pairs]) pair.follow();
	};
	return {
		url: `nats://127.0.0.1:${port}`,
		port,
		get connections() {
			return pairs.size;
		},
		get accepted() {
			return accepted;
		},
		get bytesToServer() {
			return link.bytesToServer;
		},
		get bytesLost() {
			return link.bytesLost;
		},
		cut: () => change('cut'),
		blackHole: () => change('blackHole'),
		dropServerToClient: () => change('dropServerToClient'),
		tripAt: (pattern, then) =>
			new Promise((resolve) => {
				const everywhere = new RegExp(pattern, 'g');
				link.trip = (text, before) => {
					const ends = [...text.matchAll(everywhere)].map(({ index, 0: found }) => index + found.length);
					if (!ends.some((end) => end > before)) return;
					link.trip = undefined;
					change(then === 'hold' ? 'blackHole' : 'dropServerToClient');
					resolve();
				};
			}),
		latency(ms) {
			link.delayMs = ms;
		},
		resets(probability, random) {
			link.isReset = () => random() < probability;
		},
		bandwidth(bytesPerSecond) {
			link.bytesPerMs = bytesPerSecond / 1000;
		},
		heal() {
			link.trip = undefined;
			link.delayMs = 0;
			link.isReset = () => false;
			link.bytesPerMs = Number.POSITIVE_INFINITY;
			change('pass');
		},
		async [Symbol.asyncDispose]() {
			const closed = new Promise((resolve) => server.close(resolve));
			for (const pair of [...pairs]) pair.close();
			await closed;
		},
	};
}

type Link = {
	mode: Mode;
	delayMs: number;
	/** Whether the connection ends with the chunk that has come. */
	isReset: () => boolean;
	bytesPerMs: number;
	readonly targetPort: number;
	bytesToServer: number;
	bytesLost: number;
	/** Looks at what clients sent last, before it goes on; up to `before` it was seen. */
	trip: ((text: string, before: number) => void) | undefined;
};

/** What is kept of the bytes before, so that a pattern is seen that lies across two chunks. */
const lookBehind = 4096;

/** One connection of a client, and ours to the server. */
class Pair {
	readonly #link: Link;
	readonly #client: Socket;
	readonly #onClosed: () => void;
	readonly #toServer: Lag;
	readonly #toClient: Lag;
	#server: Socket | undefined;
	#hasLost = false;
	#lastSent = '';

	constructor(link: Link, client: Socket, onClosed: () => void) {
		this.#link = link;
		this.#client = client.pause();
		this.#onClosed = onClosed;
		this.#toServer = new Lag(link);
		this.#toClient = new Lag(link);
		this.#watch(client, this.#toServer, () => this.#server);
	}

	/** Does as the link's mode says. */
	follow(): void {
		const { mode } = this.#link;
		if (mode === 'cut' || (mode === 'pass' && this.#hasLost)) return this.close();
		if (mode === 'blackHole') {
			this.#client.pause();
			this.#server?.pause();
			return;
		}
		this.#server ??= this.#connect();
		this.#client.resume();
		this.#server.resume();
		this.#toServer.flush();
		this.#toClient.flush();
	}

	close(): void {
		this.#toServer.clear();
		this.#toClient.clear();
		this.#client.destroy();
		this.#server?.destroy();
		this.#onClosed();
	}

	#reset(): void {
		if (!this.#client.destroyed) this.#client.resetAndDestroy();
		this.close();
	}

	#connect(): Socket {
		const server = connect({ port: this.#link.targetPort, host: '127.0.0.1', noDelay: true });
		this.#watch(server, this.#toClient, () => this.#client);
		this.#client.on('data', (chunk: Buffer) => {
			if (this.#link.isReset()) return this.#reset();
			const before = this.#lastSent.slice(-lookBehind);
			this.#lastSent = before + chunk.toString('latin1');
			this.#link.trip?.(this.#lastSent, before.length);
			this.#toServer.pass(this.#client, chunk, (part) => {
				this.#link.bytesToServer += part.length;
				server.write(part);
			});
		});
		server.on('data', (chunk: Buffer) => {
			if (this.#link.isReset()) return this.#reset();
			if (this.#link.mode !== 'dropServerToClient') {
				return this.#toClient.pass(server, chunk, (part) => void this.#client.write(part));
			}
			this.#hasLost = true;
			this.#link.bytesLost += chunk.length;
		});
		return server;
	}

	/** Either end closes the other, after what it had said; through a black hole nobody hears of it. */
	#watch(socket: Socket, lag: Lag, other: () => Socket | undefined): void {
		// What went wrong does not matter: 'close' follows.
		socket.on('error', () => undefined);
		socket.on('close', () => {
			lag.push(() => {
				const peer = other();
				if (peer) peer.destroySoon();
				else this.close();
			});
		});
		socket.on('close', () => {
			if (this.#client.destroyed && this.#server?.destroyed !== false) this.#onClosed();
		});
	}
}

/** On a narrow link data trickles in pieces of this size, and whoever sends more than it holds has to wait. */
const pieceBytes = 1024;
const holdsBytes = 64 * 1024;

/** What goes in one direction, in order, each after the delay that held when it came; held in a black hole. */
class Lag {
	readonly #link: Link;
	readonly #waiting: { dueAt: number; pass: () => void }[] = [];
	#timer: NodeJS.Timeout | undefined;
	#heldBytes = 0;
	/** When the link is free for the next piece. */
	#freeAt = 0;

	constructor(link: Link) {
		this.#link = link;
	}

	/** Data from `source`, which stands still while too much of it is on the way. */
	pass(source: Socket, chunk: Buffer, write: (part: Buffer) => void): void {
		const { bytesPerMs } = this.#link;
		if (bytesPerMs === Number.POSITIVE_INFINITY) return this.push(() => write(chunk));
		this.#heldBytes += chunk.length;
		if (this.#heldBytes > holdsBytes) source.pause();
		for (let at = 0; at < chunk.length; at += pieceBytes) {
			const part = chunk.subarray(at, at + pieceBytes);
			this.#freeAt = Math.max(this.#freeAt, performance.now()) + part.length / bytesPerMs;
			this.push(() => {
				write(part);
				this.#heldBytes -= part.length;
				if (this.#heldBytes <= holdsBytes && this.#link.mode !== 'blackHole') source.resume();
			}, this.#freeAt);
		}
	}

	push(pass: () => void, from = performance.now()): void {
		this.#waiting.push({ dueAt: from + this.#link.delayMs, pass });
		if (this.#waiting.length === 1) this.flush();
	}

	flush(): void {
		clearTimeout(this.#timer);
		for (let [first] = this.#waiting; first && this.#link.mode !== 'blackHole'; [first] = this.#waiting) {
			const waitMs = first.dueAt - performance.now();
			if (waitMs > 0) {
				this.#timer = setTimeout(() => this.flush(), waitMs);
				return;
			}
			this.#waiting.shift();
			first.pass();
		}
	}

	clear(): void {
		clearTimeout(this.#timer);
		this.#waiting.length = 0;
	}
}

async function listen(server: Server): Promise<number> {
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject).listen(0, '127.0.0.1', resolve);
	});
	const address = server.address();
	if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
	return address.port;
}
