import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { formatFrame, SseReader } from '../../../src/http/live/sse.ts';
import { openStream } from '../../support/event-stream.ts';
import { eventually } from '../../support/eventually.ts';

/** A server whose only answer is given to the test. */
async function serve() {
	const answers: ServerResponse[] = [];
	const server = createServer((_request, response) => void answers.push(response));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	const sockets: Socket[] = [];
	return {
		url: `http://127.0.0.1:${port}/`,
		answer: () => eventually(() => answers.at(-1), { everyMs: 1 }),
		/** Asks, and reads nothing. */
		silent: () => {
			const socket = connect(port, '127.0.0.1').on('error', () => undefined);
			sockets.push(socket.pause());
			socket.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n');
			return socket;
		},
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

const frame = formatFrame({
	event: 'changes',
	id: 'a.b.1',
	data: JSON.stringify({ text: 'x'.repeat(100_000) }),
});

test('one that reads is told all, with the headers that were there', async () => {
	await using server = await serve();
	const opening = openStream(server.url);
	const reader = new SseReader(await server.answer(), { 'x-before': 'kept' });
	for (let count = 0; count < 100; count++) {
		reader.write(frame);
		// As much as its connection takes.
		if (count % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
	}
	await using open = await opening;
	expect(open.headers).toMatchObject({ 'x-before': 'kept', 'cache-control': 'no-store' });
	await eventually(() => open.events.length > 1);
	expect(open.events[0]).toMatchObject({ event: 'changes', id: 'a.b.1' });
	expect(JSON.parse(open.events[0]?.data ?? '').text).toHaveLength(100_000);
});

test('one that does not read is full, then stuck; one that reads on is not, and says when it is empty', async () => {
	await using server = await serve();
	const socket = server.silent();
	const answer = await server.answer();
	const reader = new SseReader(answer, {});
	let closed = 0;
	reader.onClose(() => {
		closed += 1;
	});
	expect(reader.isStuck()).toBe(false);
	for (let count = 0; count < 1000 && !reader.isFull; count++) {
		reader.write(frame);
		await new Promise((resolve) => setImmediate(resolve));
	}
	expect(reader.isFull).toBe(true);
	expect(answer.writableLength).toBeLessThan(2 * 1024 * 1024);
	// The system still takes some of it.
	await eventually(() => reader.isStuck(), { message: 'it reads nothing, and is not found stuck' });
	const drained = new Promise<void>((resolve) => reader.onDrain(resolve));
	socket.resume();
	await drained;
	expect([reader.isFull, reader.isStuck(), reader.isOpen]).toEqual([false, false, true]);
	reader.close();
	// Nothing happens to one that is gone.
	reader.write(frame);
	reader.close();
	expect([reader.isOpen, closed]).toEqual([false, 1]);
});

test('one that goes by itself is gone', async () => {
	await using server = await serve();
	const socket = server.silent();
	const reader = new SseReader(await server.answer(), {});
	const gone = new Promise<void>((resolve) => reader.onClose(resolve));
	socket.destroy();
	await gone;
	expect(reader.isOpen).toBe(false);
});
