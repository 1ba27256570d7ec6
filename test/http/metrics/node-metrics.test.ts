import { request } from 'node:http';
import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import type { MessageForm } from '../../../src/domain/message.ts';
import { MetricsServer } from '../../../src/http/metrics/metrics-server.ts';
import { NodeMetrics } from '../../../src/http/metrics/node-metrics.ts';
import type { Node } from '../../../src/node/node.ts';
import { eventually } from '../../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../../support/fleet.ts';
import { stressLifecycle } from '../../support/lifecycle.ts';
import { samplesIn } from '../../support/metrics.ts';
import { startNats } from '../../support/nats.ts';
import { hasPromtool, promtool } from '../../support/promtool.ts';

async function metricsOf(node: Pick<Node, 'figures'>) {
	const metrics = () => new NodeMetrics(() => node.figures());
	const server = new MetricsServer({ host: '127.0.0.1', port: 0, metrics, log: silentLog });
	await server.start();
	const url = server.url ?? '';
	return {
		server,
		url,
		text: async () => (await fetch(url)).text(),
		samples: async () => samplesIn(await (await fetch(url)).text()),
		[Symbol.asyncDispose]: () => server.stop(),
	};
}

test('a node tells what it started, how that ended, and what it holds', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using ship = await startNode(nats.url, 'ship1');
	await using fleet = await openFleet(nats.url);
	await using metrics = await metricsOf(ship.part);
	const send = (method: string, data: string[], more: Partial<MessageForm> = {}) =>
		fleet.send({ toNode: 'ship1', commandOrEvent: 'command', method, data, ...more });
	const receipts = [
		...(await send('shellCommand', ['true'])),
		...(await send('shellCommand', ['false'], {
			attempts: 2,
			backoff: { kind: 'fixed', initial: '10ms', jitter: 0 },
		})),
		...(await send('noSuchMethod', [])),
	];
	await fleet.wait(receipts);
	const samples = await eventually(async () => {
		const read = await metrics.samples();
		return read.get('steward_node_outbox_messages') === 0 && read;
	});
	expect(samples.get('steward_node_info{node="ship1",version="test"}')).toBe(1);
	expect(samples.get('steward_node_link_up')).toBe(1);
	expect(samples.get('steward_node_starts_total{method="shellCommand"}')).toBe(3);
	expect(samples.get('steward_node_outcomes_total{method="shellCommand",outcome="succeeded"}')).toBe(1);
	expect(samples.get('steward_node_outcomes_total{method="shellCommand",outcome="failed"}')).toBe(1);
	expect(samples.get('steward_node_journal_entries')).toBe(2);
	expect(samples.get('steward_node_store_bytes')).toBeGreaterThan(4096);
	expect(Math.abs(samples.get('steward_node_clock_offset_seconds') ?? 99)).toBeLessThan(2);
	expect(samples.get('steward_node_lane_capacity{lane="normal"}')).toBe(1);
	expect(samples.get('steward_node_lane_ready{lane="normal"}')).toBe(1);
	expect(samples.get('steward_node_outbox_limit_bytes{kind="reported"}')).toBe(256 * 2 ** 20);
	expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(2 ** 20);
	if (hasPromtool)
		expect(await promtool(['check', 'metrics'], await metrics.text())).toEqual({ code: 0, said: '' });
});

test('one without a link says so, and what it owes; one that does not run says nothing of itself', async () => {
	await using ship = await startNode('nats://127.0.0.1:1', 'ship1');
	await using metrics = await metricsOf(ship.part);
	const samples = await metrics.samples();
	expect(samples.get('steward_node_link_up')).toBe(0);
	expect(samples.has('steward_node_clock_offset_seconds')).toBe(false);
	expect(samples.get('steward_node_lane_ready{lane="normal"}')).toBe(0);
	await ship.stop();
	const after = await metrics.samples();
	expect([...after.keys()].filter((name) => name.startsWith('steward_'))).toEqual([]);
	expect(after.has('process_cpu_seconds_total')).toBe(true);
});

const none = { figures: async () => undefined };

test('it answers one path, one method, and names of this machine', async () => {
	await using metrics = await metricsOf(none);
	const { port } = new URL(metrics.url);
	const status = async (path: string, init: RequestInit = {}) =>
		(await fetch(`http://127.0.0.1:${port}${path}`, init)).status;
	expect(await status('/')).toBe(404);
	expect(await status('/metrics', { method: 'POST' })).toBe(405);
	expect(await status('/metrics?x=1')).toBe(200);
	const calledAs = (name: string) =>
		new Promise<number | undefined>((resolve, reject) => {
			const headers = { host: `${name}:${port}` };
			request({ host: '127.0.0.1', port, path: '/metrics', headers }, (answer) => {
				answer.resume();
				resolve(answer.statusCode);
			})
				.on('error', reject)
				.end();
		});
	for (const name of ['localhost', '127.0.0.2', '[::1]', '[::ffff:127.0.0.1]'])
		expect(await calledAs(name)).toBe(200);
	for (const name of ['rebound.example', '127.0.0.1.example', '[2001:db8::1]', '[::1'])
		expect(await calledAs(name)).toBe(403);
	const second = new MetricsServer({
		...{ host: '127.0.0.1', port: Number(port), log: silentLog },
		metrics: () => new NodeMetrics(none.figures),
	});
	await expect(second.start()).rejects.toMatchObject({ code: 'already-running' });
	await second.stop();
});

test('its server may be started and stopped at any time', async () => {
	const metrics = () => new NodeMetrics(none.figures);
	await stressLifecycle(() => new MetricsServer({ host: '127.0.0.1', port: 0, metrics, log: silentLog }));
});
