import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';
import { moduleHeader } from './module-source.ts';

const source = `
	export default [
		method('die', ({ attempt }, { path, until }) => {
			appendFileSync(path, 'die ' + attempt + '\\n');
			if (attempt < until) process.exit(3);
			return 'alive';
		}),
		method('large', () => 'x'.repeat(3_000_000)),
		method('wordy', () => { throw new Error('y'.repeat(3_000_000)); }),
	];
`;

async function modulePathIn(dir: string): Promise<string> {
	const path = join(dir, 'module.mjs');
	await writeFile(path, (await moduleHeader()) + source);
	return path;
}

test.concurrent('a module whose process dies is started again, and its command failed or retried by policy', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const backoff = { kind: 'fixed', initial: '50ms' } as const;
	const node = { modules: [await modulePathIn(dir.path)] };
	await using _ship = await startNode(nats.url, 'ship1', { node });
	const die = (until: number) => ({ path: effects.path, until });
	await fleet.send(command('a', die(3), { method: 'die', attempts: 3, backoff }));
	await fleet.send(command('b', die(9), { method: 'die' }));
	await fleet.send(command('c', die(1), { method: 'die' }));
	const views = await settled(fleet, ['a', 'b', 'c']);
	expect(ends(views)).toEqual(['succeeded 3', 'failed 1', 'succeeded 1']);
	expect(views[1]?.fault?.code).toBe('processDied');
	expect(await effects.words()).toEqual(['die 1', 'die 2', 'die 3', 'die 1', 'die 1']);
});

test.concurrent('a module that dies again and again rests, and says so; the node and its other methods go on', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const backoff = { kind: 'fixed', initial: '10ms' } as const;
	const node = { modules: [await modulePathIn(dir.path)] };
	await using atCentral = await startNode(nats.url, 'central');
	await using ship = await startNode(nats.url, 'ship1', { node });
	const failures: Error[] = [];
	ship.part.onFailure((error) => failures.push(error));
	await fleet.send(command('a', { path: effects.path, until: 99 }, { method: 'die', attempts: 20, backoff }));
	const errorsPath = join(atCentral.dataDir, 'logs', 'errors.jsonl');
	await eventually(async () => (await readFile(errorsPath, 'utf8')).includes('intensityExceeded'), {
		timeoutMs: 60_000,
	});
	await fleet.send(command('b', effects.shell('b'), { lane: 'urgent' }));
	expect(ends(await settled(fleet, ['b']))).toEqual(['succeeded 1']);
	// The rest costs the command no attempt.
	const starts = (await effects.words()).filter((word) => word.startsWith('die')).length;
	expect(starts).toBe(6);
	expect((await fleet.get('ship1.a'))?.state).toBe('retrying');
	expect(failures).toEqual([]);
});

test.concurrent('what a method gives back is cut where no report could carry it, and says so', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const node = { modules: [await modulePathIn(dir.path)] };
	await using _ship = await startNode(nats.url, 'ship1', { node });
	await fleet.send(command('large', null, { method: 'large' }));
	await fleet.send(command('wordy', null, { method: 'wordy' }));
	const views = await settled(fleet, ['large', 'wordy']);
	expect(ends(views)).toEqual(['succeeded 1', 'failed 1']);
	expect(views[0]?.result?.value).toEqual({ cut: true, bytes: 3_000_002, head: `"${'x'.repeat(1023)}` });
	expect(views[1]?.fault?.message).toContain('(cut: 3000000 characters)');
});
