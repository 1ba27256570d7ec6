import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { hasScript, inTerminal } from '../support/pseudo-terminal.ts';

async function world() {
	const all = disposables();
	const nats = all.use(await startNats());
	const central = all.use(await startCentral(nats.url));
	const fleet = all.use(await openFleet(nats.url));
	all.use(await startNode(nats.url, 'ship1'));
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	const send = (toNode: string, data: string[]) =>
		fleet.send({ toNode, commandOrEvent: 'command', method: 'shellCommand', data });
	for (let n = 0; n < 3; n++) await send('ship2', ['true']);
	return {
		nats,
		central,
		fleet,
		send,
		servers: ['--servers', nats.url],
		[Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
	};
}

const restored = '\u001b[?25h\u001b[?1049l';

test('steward top --once prints one picture, whatever reads it, and --json the rows', async () => {
	await using here = await world();
	const { code, stdout, stderr } = await runCli(['top', '--once', ...here.servers]);
	const lines = stdout.trimEnd().split('\n');
	expect([code, stderr]).toEqual([0, '']);
	expect(lines[0]).toMatch(/^2 nodes: 1 present, 1 never seen {3}queued 3 \(oldest \d+s\) {3}running 0 {3}/);
	expect(lines[1]).toMatch(/^ {2}NODE {3}PRESENCE .* QUEUED▾ /);
	expect(lines[2]).toMatch(/^ {2}ship2 {2}never seen +3 +\d+s /);
	expect(lines[3]).toMatch(/^ {2}ship1 {2}present +· /);
	expect(lines.length).toBe(4);
	expect(stdout).not.toContain('\u001b');
	const json = await runCli(['top', '--json', '--sort', 'node', ...here.servers]);
	const { totals, nodes } = JSON.parse(json.stdout);
	expect(totals.commands.queued).toBe(3);
	expect(nodes.map(({ node }: { node: string }) => node)).toEqual(['ship1', 'ship2']);
	expect((await runCli(['top', '--sort', 'size'])).code).toBe(2);
});

describe.skipIf(!hasScript)('in a terminal', () => {
	test('it shows what changes, takes keys, says when the broker is lost, and gives the screen back', async () => {
		await using here = await world();
		await using top = inTerminal(['top', ...here.servers], { columns: 100, rows: 12 });
		await eventually(() => top.drawn().includes('q quit   s sort (queued)'));
		expect(top.drawn()).toContain('\u001b[?1049h\u001b[?25l');
		expect(top.drawn()).toContain('2 nodes: ');
		for (let n = 0; n < 4; n++) await here.send('ship3', ['true']);
		await eventually(() => /› .*ship3/.test(top.drawn()));
		top.press('ssss');
		await eventually(() => top.drawn().includes('s sort (presence)'));
		top.press('/ship1\r');
		await eventually(() => top.drawn().includes('/ship1   1 of 3 nodes'));
		// A line that says the same as before is not drawn again.
		const before = top.drawn().length;
		top.press('j');
		top.press('k');
		await here.nats.kill();
		await eventually(() => top.drawn().includes('the broker does not answer'));
		expect(top.drawn().slice(before)).not.toContain('q quit');
		await here.nats.restart();
		const lostAt = top.drawn().length;
		await eventually(() => top.drawn().slice(lostAt).includes('/ship1   1 of 3 nodes'));
		top.press('q');
		expect(await top.exited).toBe(0);
		expect(top.drawn().endsWith(restored)).toBe(true);
	});

	test.each(['\u0003', 'SIGTERM'] as const)('the screen is given back after %j', async (how) => {
		await using here = await world();
		await using top = inTerminal(['top', ...here.servers], { columns: 80, rows: 24 });
		await eventually(() => top.drawn().includes('q quit'));
		if (how === 'SIGTERM') top.signal('SIGTERM');
		else top.press(how);
		expect(await top.exited).toBe(0);
		expect(top.drawn().endsWith(restored)).toBe(true);
	});
});
