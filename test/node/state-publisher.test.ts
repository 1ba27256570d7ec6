import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import type { NodeState } from '../../src/domain/node-state.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { ServerTime } from '../../src/node/server-time.ts';
import { StatePublisher } from '../../src/node/state-publisher.ts';
import { startBroker } from '../jetstream/setup.ts';
import { manualClock } from '../support/clock.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';

const said: NodeState = {
	...{ v: 1, node: 'ship1', version: 'test', machine: 'machine', boot: 'one', epoch: 'e', labels: {} },
	...{ platform: { os: 'linux', arch: 'x64', runtime: 'node', hostname: 'here' }, startedAt: 1, saidAt: 1 },
	...{ clockOffsetMs: null, methods: [], lanes: [], running: [], outbox: 0, stopping: false },
	...{ stopped: [], unreported: [], schedules: [], trust: null, access: null },
};
const minuteMs = 60_000;

/** A publisher whose time stands still, and what of it has come to the broker: states, and questions for what is stored. */
async function saying(things: ReturnType<typeof disposables>) {
	const broker = things.use(await startBroker());
	const { nc, js } = broker.connection;
	const states: NodeState[] = [];
	let reads = 0;
	nc.subscribe(subjects.state('ship1'), {
		callback: (_, message) => void states.push(message.json<NodeState>()),
	});
	nc.subscribe(`$JS.API.DIRECT.GET.${streams.state}.>`, {
		callback: () => {
			reads += 1;
		},
	});
	await nc.flush();
	const link = new Link({ servers: [broker.nats.url], name: 'ship1', clock: systemClock, log: silentLog });
	await link.start();
	things.use({ [Symbol.asyncDispose]: () => link.stop() });
	await eventually(() => link.connection);
	const clock = manualClock();
	const serverTime = new ServerTime(clock);
	const now = { state: said };
	const others: string[] = [];
	const publisher = new StatePublisher({
		...{ node: 'ship1', link, serverTime, clock, log: silentLog, beatEveryMs: 15_000 },
		describe: () => ({ ...now.state, saidAt: clock.now(), clockOffsetMs: serverTime.offsetMs }),
		beat: { machine: 'machine', boot: 'one' },
		onNameUsedTwice: (machine) => others.push(machine),
	});
	await publisher.start();
	things.use({ [Symbol.asyncDispose]: () => publisher.stop() });
	/** Once `count` states and `asked` questions have come in all, and no more than that. */
	const have = async (count: number, asked: number) => {
		await eventually(
			async () => {
				await clock.advance(0);
				await link.connection?.nc.flush();
				await nc.flush();
				return states.length >= count && reads >= asked;
			},
			{ timeoutMs: 20_000 },
		);
		expect([states.length, reads]).toEqual([count, asked]);
	};
	// The first, by which the clock is read, and one that says how that goes.
	await have(2, 1);
	/** One change after another, within the second in which they are gathered. */
	const become = async (...changes: Partial<NodeState>[]) => {
		for (const change of changes) {
			now.state = { ...now.state, ...change };
			publisher.changed();
		}
		await clock.advance(1000);
		// Where the broker's word on the last one was still on its way, the second begins with that.
		await broker.connection.jsm.streams.info(streams.state);
		await link.connection?.nc.flush();
		await clock.advance(1000);
	};
	return { states, others, clock, have, become, js };
}

const running = (id: string) => [
	{ id, method: 'shellCommand', lane: 'normal' as const, startedAt: 1, attempt: 1, runForMs: null },
];

test('what the broker knows already does not cross the link: neither a state that is the same, nor one that is read back', async () => {
	await using things = disposables();
	const { states, clock, have, become } = await saying(things);
	await become({});
	await become({ running: running('a') });
	// One state, and nothing was read: that nothing else stood there says the broker.
	await have(3, 1);
	expect(states.at(-1)?.running.map(({ id }) => id)).toEqual(['a']);
	await become({ running: [] });
	await have(4, 1);
	// One that began and ended since is none.
	await become({ running: running('b') }, { running: [] });
	await become({ running: running('c') });
	await have(5, 1);
	expect(states.at(-1)?.running.map(({ id }) => id)).toEqual(['c']);
	await become({});
	// It is said, and the clock is read, all the same every ten minutes.
	await clock.advance(9 * minuteMs);
	await have(5, 1);
	await clock.advance(minuteMs);
	await have(6, 2);
});

test('what somebody else says under the same name is noticed by the broker, and told; what it says itself is said all the same', async () => {
	await using things = disposables();
	const { states, others, have, become, js } = await saying(things);
	const foreign = { ...said, machine: 'another', boot: 'two' };
	await js.publish(subjects.state('ship1'), JSON.stringify(foreign));
	await have(3, 1);
	await become({ outbox: 1 });
	// Refused first, because something else stands there; that is read, and then it is said.
	await have(5, 2);
	expect(others).toEqual(['another']);
	expect(states.slice(3).map(({ boot, outbox }) => [boot, outbox])).toEqual([
		...[
			['one', 1],
			['one', 1],
		],
	]);
	// Its own words, of which no answer came, are nobody else's.
	await js.publish(subjects.state('ship1'), JSON.stringify({ ...said, outbox: 2 }));
	await become({ outbox: 3 });
	await have(8, 3);
	expect(others).toEqual(['another']);
	await become({ outbox: 4 });
	await have(9, 3);
});
