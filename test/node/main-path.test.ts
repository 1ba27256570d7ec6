import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

test('commands queue for a ship that is away, survive a kill of the broker, and run once each, in order', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const file = join(dir.path, 'ran');
	const send = async (n: number) => {
		const [receipt] = await fleet.send({
			toNode: 'ship1',
			kind: 'command',
			method: 'shellCommand',
			data: ['bash', '-c', `echo ${n} >> ${file}; echo out ${n}; echo err ${n} >&2`],
		});
		return receipt;
	};
	const receipts = [await send(1), await send(2), await send(3)];
	expect(receipts.map((receipt) => receipt?.state)).toEqual(['queued', 'queued', 'queued']);
	expect(receipts.map((receipt) => receipt?.presence.status)).toEqual(['never', 'never', 'never']);
	expect(receipts.map((receipt) => receipt?.position)).toEqual([1, 2, 3]);

	await nats.restart('SIGKILL');
	await using _ship = await startNode(nats.url, 'ship1');
	const handles = receipts.map((receipt) => receipt?.handle ?? '');
	const views = await eventually(() => fleet.wait(handles, { timeoutMs: 60_000 }), { timeoutMs: 60_000 });
	expect(views.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
	expect(views.map(({ result }) => result?.stdout?.head)).toEqual(['out 1\n', 'out 2\n', 'out 3\n']);
	expect(views.map(({ result }) => result?.stderr?.head)).toEqual(['err 1\n', 'err 2\n', 'err 3\n']);
	expect(await readFile(file, 'utf8')).toBe('1\n2\n3\n');
	// The centre's index follows the ledger a moment later than whoever waits for one command.
	await eventually(async () => (await fleet.queue('ship1')).length === 0);
	await eventually(
		async () => (await fleet.nodes()).find(({ node }) => node === 'ship1')?.presence === 'present',
	);
	expect((await fleet.list()).map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
});
