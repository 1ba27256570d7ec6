import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { tempDir } from '../support/temp.ts';

test('a command that was claimed and never heard of again is lost after its patience; what its node says later is kept as late', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const policy = { runFor: '1s', patience: '1s' } as const;
	{
		await using ship = await startNodeProcess(nats.url, 'ship1', nodeDir);
		await fleet.send({
			...{ toNode: 'ship1', kind: 'command', method: 'shellCommand', id: 'a', ...policy },
			data: effects.shell('a', 'echo half; sleep 1000'),
		});
		await effects.reach(1);
		await ship.kill();
	}
	const [lost] = await fleet.wait(['ship1.a'], { timeoutMs: 20_000 });
	expect(lost).toMatchObject({
		...{ state: 'lost', attempt: 1, result: null },
		closed: { actor: 'central' },
	});
	expect(lost?.attempts[0]?.outcome).toBeNull();
	// It left the stream, so that nothing of it is delivered once more.
	await eventually(async () => (await fleet.queue('ship1')).length === 0);
	const [again] = await fleet.retry(['ship1.a']);
	expect(again?.lineage).toEqual({ kind: 'retry', of: 'ship1.a' });
	await fleet.cancel([again?.handle ?? '']);

	await using _back = await startNodeProcess(nats.url, 'ship1', nodeDir);
	const late = await eventually(async () => {
		const view = await fleet.get('ship1.a');
		return (view?.late.length ?? 0) > 0 && view;
	});
	expect(late).toMatchObject({ state: 'lost', late: [{ event: 'interrupted' }] });
	expect(late.history.at(-1)).toMatchObject({ state: 'interrupted', by: 'ship1', late: true });
	expect(await effects.words()).toEqual(['a']);
});

test('a command that still runs on a present node is not lost, however long its patience has passed', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNodeProcess(nats.url, 'ship1', dir.path);
	// The method takes longer to end than it may: SIGTERM is not heard, and its grace is long.
	await fleet.send({
		...{ toNode: 'ship1', kind: 'command', method: 'shellCommand', id: 'a', runFor: '1s', patience: '0s' },
		data: { command: effects.shell('a', `trap '' TERM; sleep 5`), grace: '1m' },
	});
	const [view] = await fleet.wait(['ship1.a'], { timeoutMs: 20_000 });
	expect(view).toMatchObject({ state: 'succeeded', late: [] });
});
