import { expect, test } from 'vitest';
import type { NodeChange } from '../../src/client/watch-nodes.ts';
import { startLine } from '../support/cli-running.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

test('a node that comes and goes is told once each, and who was there before is not', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url, { presenceTtlMs: 600 });
	await using fleet = await openFleet(nats.url);
	await using _there = await startNode(nats.url, 'ship1', { node: { beatEveryMs: 100 } });
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	const over = new AbortController();
	const seen: NodeChange[] = [];
	const watching = (async () => {
		for await (const change of fleet.watchNodes({ signal: over.signal })) seen.push(change);
	})();
	const of = (node: string) => seen.filter((one) => one.node === node).map(({ presence }) => presence);
	await using ship = await startNode(nats.url, 'ship2', { node: { beatEveryMs: 100 } });
	await eventually(() => of('ship2').length === 1);
	await ship.stop();
	await eventually(() => of('ship2').length === 2);
	over.abort();
	await watching;
	expect(of('ship2')).toEqual(['present', 'absent']);
	expect(of('ship1')).toEqual([]);
	expect(Math.abs(Date.parse(seen[0]?.at ?? '') - Date.now())).toBeLessThan(60_000);
});

test('steward watch tells commands and nodes in lines, narrowed by words, through a restart of the broker', async () => {
	await using folder = await tempDir();
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	// A broker that was killed may have forgotten the last acks, which then hold places of the lane for its ack_wait.
	await using _ship = await startNode(nats.url, 'ship1', { node: { lanes: { normal: 16 } } });
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	const servers = ['--servers', nats.url];
	await using all = startLine(folder.path, ['watch', ...servers]);
	await using failed = startLine(folder.path, ['watch', 'ship1', '--state', 'failed', '--json', ...servers]);
	await using nodes = startLine(folder.path, ['watch', '--nodes', ...servers]);
	const send = async (data: string[]) =>
		(await fleet.send({ toNode: 'ship1', commandOrEvent: 'command', method: 'shellCommand', data }))[0]
			?.handle ?? '';
	// It follows once it tells of something.
	await eventually(
		async () => {
			await send(['true']);
			return all.stdout() !== '';
		},
		{ everyMs: 200 },
	);
	const bad = await send(['false']);
	await eventually(() =>
		new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}failed {7}${bad} {2}shellCommand {2}exit 1, in `, 'm').test(
			all.stdout(),
		),
	);
	const [line = ''] = await eventually(
		() => failed.stdout().includes('\n') && failed.stdout().trimEnd().split('\n'),
	);
	expect(JSON.parse(line)).toMatchObject({ handle: bad, state: 'failed' });
	await nats.restart('SIGKILL');
	await eventually(() => /the broker is lost: .*\n.*the broker is back, after /.test(all.stderr()));
	const later = await eventually(async () => send(['false']).catch(() => ''));
	await eventually(() => all.stdout().includes(`${later}  shellCommand  exit 1`));
	expect(nodes.stdout()).not.toContain('shellCommand');
	expect(failed.stderr()).toBe('');
	for (const one of [all, failed, nodes]) expect(await one.end()).toBe(0);
});
