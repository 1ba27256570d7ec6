import { afterAll, beforeAll, expect, test } from 'vitest';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { defended, undefended, type World } from './world.ts';

// What a ship writes is its own subject; its headers may mean others' messages. The controls are streams that allow them.

const reports = 'STEWARD_REPORTS';
const mine = 'steward.report.ship1.a';

let shielded: World;
let bare: World;
beforeAll(async () => {
	[shielded, bare] = await Promise.all([defended(), undefended()]);
});
afterAll(async () => {
	await Promise.all([shielded[Symbol.asyncDispose](), bare[Symbol.asyncDispose]()]);
});

/** Makes the stream of the control anew, to a definition that is not ours. */
async function loosened(
	{ hub, restore }: World,
	config: Readonly<Record<string, unknown>>,
): Promise<AsyncDisposable> {
	const { config: ours } = await hub.jsm.streams.info(reports);
	const remake = async (all: typeof ours) => {
		await hub.jsm.streams.delete(reports);
		await hub.jsm.streams.add(all);
	};
	await remake({ ...ours, ...config });
	return {
		[Symbol.asyncDispose]: async () => {
			await hub.jsm.streams.delete(reports);
			await restore();
		},
	};
}

test('a rollup does not remove what is another’s', async () => {
	await using _control = await loosened(bare, { allow_rollup_hdrs: true });
	const left = async (world: World) => {
		await world.seed('rollup');
		const answer = await world.attacker.ask(mine, 'x', { 'Nats-Rollup': 'all' });
		return { answer, count: await world.count(reports, 'steward.report.victim.rollup') };
	};
	expect(await left(shielded)).toMatchObject({ answer: expect.stringContaining('10111'), count: 1 });
	expect(await left(bare)).toMatchObject({ answer: expect.stringContaining('"seq"'), count: 0 });
});

test('a schedule does not have the server write in the name of another', async () => {
	await using _control = await loosened(bare, {
		...{ allow_msg_schedules: true, allow_msg_ttl: true, discard: 'old' },
	});
	const target = 'steward.report.victim.scheduled';
	const fields = { 'Nats-Schedule': '@at 2020-01-01T00:00:00Z', 'Nats-Schedule-Target': target };
	const written = async (world: World) => {
		const answer = await world.attacker.ask('steward.report.ship1.plan', 'x', fields);
		return { answer, isWritten: () => world.count(reports, target) };
	};
	const harmless = await written(shielded);
	expect(harmless.answer).toContain('10188');
	const harmful = await written(bare);
	await expect.poll(harmful.isWritten, { timeout: 60_000 }).toBe(1);
	expect(await harmless.isWritten()).toBe(0);
});

test('an id that a ship used before keeps nothing of another’s out: steward writes none', async () => {
	const fields = { 'Nats-Msg-Id': 'the-same' };
	await bare.attacker.ask(mine, 'x', fields);
	expect(await bare.victim.ask('steward.report.victim.id', 'x', fields)).toMatch(/"duplicate": ?true/);
	await shielded.attacker.ask(mine, 'x', fields);
	const publisher = new Publisher(shielded.victimLink, { stream: reports, mayLookUp: false });
	const { seq } = await publisher.publish({ subject: 'steward.report.victim.id', data: 'x' });
	const stored = await shielded.hub.jsm.streams.getMessage(reports, { seq });
	expect([...(stored?.header.keys() ?? [])]).not.toContain('Nats-Msg-Id');
});

test('a ship that holds every open batch of a stream keeps another’s reports waiting, and none out', async () => {
	const open = async ({ attacker }: World) => {
		for (let batch = 0; batch < 50; batch++)
			await attacker.ask(mine, 'x', { 'Nats-Batch-Id': `b${batch}`, 'Nats-Batch-Sequence': '1' });
	};
	await open(bare);
	const refused = await bare.victim.ask('steward.report.victim.b', 'x', {
		...{ 'Nats-Batch-Id': 'victims', 'Nats-Batch-Sequence': '1' },
	});
	expect(refused).toContain('10210');
	await open(shielded);
	const publisher = new Publisher(shielded.victimLink, { stream: reports, mayLookUp: false });
	const requests = ['b1', 'b2', 'b3'].map((id) => ({ subject: `steward.report.victim.${id}`, data: 'x' }));
	await Promise.all(requests.map((request) => publisher.publish(request)));
	for (const { subject } of requests) expect(await shielded.count(reports, subject)).toBe(1);
});

test('an expectation is refused or met, and the stream goes on', async () => {
	// On a replicated stream the first of these stops it for good (nats-server 2.15.1), and no permission can forbid a header.
	for (const fields of [
		{ 'Nats-Expected-Last-Msg-Id': 'none' },
		{ 'Nats-Expected-Last-Sequence': '999999' },
		{ 'Nats-Expected-Stream': 'STEWARD_EVENTS' },
		{ 'Nats-Expected-Last-Subject-Sequence': '999999' },
	] as Readonly<Record<string, string>>[]) {
		expect(await shielded.attacker.ask(mine, 'x', fields), JSON.stringify(fields)).toContain('"error"');
	}
	expect(await shielded.victim.ask('steward.report.victim.after', 'x')).toContain('"seq"');
});

test('KNOWN: a ship can ask, by an expectation, whether another has a message under an id that it knows', async () => {
	await shielded.seed('known');
	const asks = (id: string) =>
		shielded.attacker.ask(mine, 'x', {
			'Nats-Expected-Last-Subject-Sequence': '0',
			'Nats-Expected-Last-Subject-Sequence-Subject': `steward.report.victim.${id}`,
		});
	expect(await asks('known')).toContain('10071');
	expect(await asks('unknown')).toContain('"seq"');
});

test('KNOWN: a ship can have an answer to itself sent to another’s beat, where the headers tell that it is none', async () => {
	await shielded.attacker.ask(
		'steward.state.ship1',
		JSON.stringify({ machine: 'm', boot: 'b', leaving: false }),
	);
	const heard: unknown[] = [];
	const subscription = shielded.victim.nc.subscribe('steward.beat.victim', {
		callback: (_, { headers, reply }) => {
			heard.push(headers !== undefined || reply !== undefined);
		},
	});
	await shielded.victim.nc.flush();
	const reply = 'steward.beat.victim';
	await shielded.attacker.mayPublish(`${shielded.api}.DIRECT.GET.STEWARD_STATE.steward.state.ship1`, '', {
		reply,
	});
	await expect.poll(() => heard, { timeout: 60_000 }).toEqual([true]);
	subscription.unsubscribe();
});
