import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { type CommandRow, changesSchema } from '../../src/domain/row-schema.ts';
import { hasEnded } from '../../src/domain/state.ts';
import { openStream, type StreamEvent } from '../support/event-stream.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startHttp } from '../support/http.ts';
import { startNats } from '../support/nats.ts';

/** A reader that is cut at random moments, and comes back with the last id that it was told. */
async function readOn(
	url: () => string,
	seen: StreamEvent[],
	signal: AbortSignal,
	onOpen: (events: readonly StreamEvent[]) => void,
): Promise<number> {
	let cuts = 0;
	// A step comes whole or not at all: whoever is always cut before its end comes no further, so each such cut gives the next one more.
	let mostBytes = 20_000;
	for (; !signal.aborted; cuts++) {
		const lastEventId = seen.findLast(({ id }) => id !== undefined)?.id;
		const cutAfterBytes = 200 + Math.floor(Math.random() * mostBytes);
		try {
			await using open = await openStream(`${url()}/api/v1/stream`, { lastEventId, cutAfterBytes });
			if (open.status !== 200) throw new Error(`${open.status}`);
			onOpen(open.events);
			const stop = () => open.close();
			signal.addEventListener('abort', stop, { once: true });
			// It may have been aborted while this was opened.
			if (signal.aborted) stop();
			await open.ended;
			signal.removeEventListener('abort', stop);
			seen.push(...open.events);
			if (!open.events.some(({ event }) => event === 'changes')) mostBytes *= 1.5;
		} catch {
			// The server is away for a moment.
			await systemClock.sleep(50, signal);
		}
	}
	return cuts;
}

function sequencesOf(id: string): { lives: string; seqs: number[] } {
	const [own = '', , ...seqs] = id.split('.');
	// Of presence, which begins anew with the broker, nothing is said here.
	return {
		lives: own,
		seqs: seqs.filter((_seq, place) => place !== 3).map((seq) => Number.parseInt(seq, 36)),
	};
}

test('whatever is cut, killed and started again meanwhile, a reader is told everything, each end once, in order', async () => {
	await using nats = await startNats();
	let central = await startCentral(nats.url);
	let http = await startHttp(() => central.part.window);
	await using _node = await startNode(nats.url, 'ship1');
	await using fleet = await openFleet(nats.url);
	const seen: StreamEvent[] = [];
	const over = new AbortController();
	await using _ends = {
		async [Symbol.asyncDispose]() {
			over.abort();
			await http[Symbol.asyncDispose]();
			await central[Symbol.asyncDispose]();
		},
	};
	let first: readonly StreamEvent[] | undefined;
	const reading = readOn(
		() => http.url,
		seen,
		over.signal,
		(events) => {
			first ??= events;
		},
	);
	// From its first word on it is told everything; what was sent before that it was never promised.
	await eventually(() => first?.some(({ id }) => id !== undefined));

	const sent: string[] = [];
	const sendSome = async (count: number) => {
		for (let place = 0; place < count; place++) {
			const toNode = place % 4 === 0 ? 'absent' : 'ship1';
			const id = `c${sent.length}`;
			await eventually(
				async () => {
					const form: MessageForm = {
						toNode,
						id,
						commandOrEvent: 'command',
						method: 'shellCommand',
						data: ['true'],
					};
					const [receipt] = await fleet.send(form);
					return receipt && sent.push(receipt.handle);
				},
				{ message: `${id} could not be sent` },
			);
		}
	};
	await sendSome(6);
	await nats.restart('SIGKILL');
	await sendSome(6);
	// Another server on the same centre; then another centre with an index of its own.
	await http[Symbol.asyncDispose]();
	http = await startHttp(() => central.part.window);
	await sendSome(6);
	await central[Symbol.asyncDispose]();
	central = await startCentral(nats.url);
	await sendSome(6);
	const present = sent.filter((handle) => handle.startsWith('ship1.'));
	await fleet.wait(present, { timeoutMs: 120_000 });

	const known = await eventually(async () => {
		const views = await fleet.list({ limit: 100 });
		return views.filter(hasEnded).length === present.length && views.length === sent.length && views;
	});
	const rows = () =>
		seen.flatMap(({ event, data }) =>
			event === 'changes' ? changesSchema.parse(JSON.parse(data)).commands : [],
		);
	const isAllHere = () =>
		present.every((handle) => rows().some((row) => row.handle === handle && hasEnded(row)));
	// The reader shows what it has only when it is cut.
	await eventually(async () => {
		await fleet.send({ toNode: 'absent', commandOrEvent: 'command', method: 'shellCommand', data: ['more'] });
		return isAllHere();
	});
	over.abort();
	const cuts = await reading;

	expect(cuts).toBeGreaterThan(3);
	expect(seen.map(({ event }) => event)).not.toContain('reset');
	const last = new Map<string, CommandRow>(rows().map((row) => [row.handle, row]));
	for (const { handle, state, endedAt } of known)
		expect([handle, last.get(handle)]).toMatchObject([handle, { state, endedAt }]);
	for (const handle of present) {
		const states = rows().flatMap((row) => (row.handle === handle ? [row.state] : []));
		expect([handle, states.filter((state) => state === 'succeeded').length]).toEqual([handle, 1]);
		expect(states.at(-1)).toBe('succeeded');
	}
	let before = sequencesOf(seen[0]?.id ?? '');
	for (const { id } of seen) {
		if (id === undefined) continue;
		const now = sequencesOf(id);
		expect(now.lives).toBe(before.lives);
		for (const [place, seq] of now.seqs.entries())
			expect(seq).toBeGreaterThanOrEqual(before.seqs[place] ?? 0);
		before = now;
	}
});
