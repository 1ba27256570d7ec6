import { expect, test } from 'vitest';
import type { MessageForm } from '../../../src/domain/message.ts';
import { eventually } from '../../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../../support/fleet.ts';
import { startHttp } from '../../support/http.ts';
import { samplesIn } from '../../support/metrics.ts';
import { startNats } from '../../support/nats.ts';
import { hasPromtool, promtool } from '../../support/promtool.ts';

async function textOf({ url }: { url: string }): Promise<string> {
	const answer = await fetch(`${url}/metrics`);
	expect(answer.status).toBe(200);
	expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
	return answer.text();
}

const samplesOf = async (http: { url: string }) => samplesIn(await textOf(http));

test('a scrape tells the fleet as it is, and what happened since it began to look', async () => {
	await using nats = await startNats();
	await using central = await startCentral(nats.url);
	await using http = await startHttp(() => central.part.window);
	await using _ship = await startNode(nats.url, 'ship1');
	await using fleet = await openFleet(nats.url);
	const send = (toNode: string, data: string[], more: Partial<MessageForm> = {}) =>
		fleet.send({ toNode, commandOrEvent: 'command', method: 'shellCommand', data, ...more });
	await eventually(async () => (await samplesOf(http)).get('steward_nodes{presence="present"}') === 1);
	const ended = [
		...(await send('ship1', ['true'])),
		...(await send('ship1', ['false'], {
			attempts: 2,
			backoff: { kind: 'fixed', initial: '10ms', jitter: 0 },
		})),
		...(await send('ship1', ['true'], { method: 'noSuchMethod' })),
	];
	for (let n = 0; n < 3; n++) await send('ship2', ['true']);
	await fleet.wait(ended);
	const samples = await eventually(async () => {
		const read = await samplesOf(http);
		return read.get('steward_commands_ended_total{state="rejected",method="noSuchMethod"}') === 1 && read;
	});
	const told = (name: string) => samples.get(name);
	expect(told('steward_commands{state="queued",method="shellCommand"}')).toBe(3);
	expect(told('steward_commands{state="succeeded",method="shellCommand"}')).toBe(1);
	expect(told('steward_commands{state="failed",method="shellCommand"}')).toBe(1);
	expect(told('steward_commands_ended_total{state="succeeded",method="shellCommand"}')).toBe(1);
	expect(told('steward_commands_ended_total{state="failed",method="shellCommand"}')).toBe(1);
	expect(told('steward_attempts_total')).toBe(3);
	expect(told('steward_delivery_seconds_count')).toBe(2);
	expect(told('steward_run_seconds_count')).toBe(2);
	expect(told('steward_run_seconds_sum')).toBeGreaterThan(0.005);
	expect(told('steward_queued')).toBe(3);
	expect(told('steward_running')).toBe(0);
	expect(told('steward_queue_depth{node="ship2"}')).toBe(3);
	expect(told('steward_queue_depth{node="ship1"}')).toBeUndefined();
	expect(told('steward_queue_oldest_seconds{node="ship2"}')).toBe(told('steward_queue_oldest_seconds_max'));
	expect(told('steward_queue_oldest_seconds_max')).toBeGreaterThan(0);
	expect(told('steward_nodes{presence="never"}')).toBe(1);
	for (const name of ['broker_up', 'centre_leads', 'index_complete']) expect(told(`steward_${name}`)).toBe(1);
	expect(told('steward_schedule_lag_seconds')).toBe(0);
	expect(told('steward_projector_lag_messages')).toBeGreaterThanOrEqual(0);
	expect(told('steward_outbox_messages')).toBeGreaterThanOrEqual(0);
	const scrapes = 'steward_http_request_duration_seconds_count{method="GET",route="/metrics",status="200"}';
	expect(told(scrapes)).toBeGreaterThan(0);
	if (hasPromtool)
		expect(await promtool(['check', 'metrics'], await textOf(http))).toEqual({ code: 0, said: '' });

	// Who begins to look later knows how many there are, and counts nothing of what was before.
	await using second = await startHttp(() => central.part.window);
	const later = await samplesOf(second);
	expect(later.get('steward_commands{state="succeeded",method="shellCommand"}')).toBe(1);
	expect(later.get('steward_delivery_seconds_count')).toBe(0);
	expect([...later.keys()].filter((name) => name.startsWith('steward_commands_ended_total'))).toEqual([]);
	await fleet.wait(await send('ship1', ['true']), { timeoutMs: 20_000 });
	for (const one of [http, second]) {
		const name = 'steward_commands_ended_total{state="succeeded",method="shellCommand"}';
		const wanted = one === http ? 2 : 1;
		await eventually(async () => (await samplesOf(one)).get(name) === wanted);
	}
});

test('a node that is away while commands wait for it is told by how long', async () => {
	await using nats = await startNats();
	await using central = await startCentral(nats.url, { presenceTtlMs: 400 });
	await using http = await startHttp(() => central.part.window);
	await using ship = await startNode(nats.url, 'ship1', { node: { beatEveryMs: 100 } });
	await eventually(async () => (await samplesOf(http)).get('steward_nodes{presence="present"}') === 1);
	expect((await samplesOf(http)).get('steward_awaited_absence_seconds_max')).toBe(0);
	await ship.stop();
	await eventually(async () => (await samplesOf(http)).get('steward_nodes{presence="absent"}') === 1);
	expect((await samplesOf(http)).get('steward_awaited_absence_seconds_max')).toBe(0);
	await using fleet = await openFleet(nats.url);
	await fleet.send({ toNode: 'ship1', commandOrEvent: 'command', method: 'shellCommand', data: ['true'] });
	await eventually(async () => {
		const seconds = (await samplesOf(http)).get('steward_awaited_absence_seconds_max') ?? 0;
		return seconds > 0 && seconds < 20;
	});
});

test('a scrape waits for no broker: it says that it is away, and what was known', async () => {
	await using nats = await startNats();
	await using central = await startCentral(nats.url);
	await using http = await startHttp(() => central.part.window);
	await using fleet = await openFleet(nats.url);
	await fleet.send({ toNode: 'ship2', commandOrEvent: 'command', method: 'shellCommand', data: ['true'] });
	await eventually(async () => (await samplesOf(http)).get('steward_queued') === 1);
	await nats.kill();
	await eventually(async () => (await samplesOf(http)).get('steward_broker_up') === 0);
	const began = performance.now();
	expect((await samplesOf(http)).get('steward_queued')).toBe(1);
	expect(performance.now() - began).toBeLessThan(1000);
});

test('before there is a centre only the broker is told as away', async () => {
	await using http = await startHttp(() => undefined);
	const names = [...(await samplesOf(http))].filter(([name]) => /^steward_(?!http)/.test(name));
	const counted = names.filter(
		([name]) => !/_(bucket|sum|count)(\{|$)/.test(name) && !name.endsWith('_total'),
	);
	expect(counted).toEqual([['steward_broker_up', 0]]);
});
