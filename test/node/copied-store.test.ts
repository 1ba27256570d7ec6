import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { tempDir } from '../support/temp.ts';
import { command, settled } from './asking.ts';

test.each(['report', 'rerun'] as const)(
	'a copy of the store on a second installation touches nothing of what the first one runs (onInterrupt %s)',
	async (onInterrupt) => {
		await using nats = await startNats();
		await using dir = await tempDir();
		const effects = effectsIn(dir.path);
		const [one, two] = [join(dir.path, 'one'), join(dir.path, 'two')];
		await mkdir(one);
		await using _central = await startCentral(nats.url);
		await using fleet = await openFleet(nats.url);
		await using _first = await startNodeProcess(nats.url, 'ship1', one);
		const policy = { onInterrupt, attempts: onInterrupt === 'rerun' ? 5 : 1 };
		await fleet.send(command('a', effects.shell('a', effects.gate('a')), policy));
		await effects.reach(1);
		await eventually(async () => (await fleet.node('ship1'))?.running.length === 1);
		await cp(one, two, { recursive: true, filter: (path) => !path.endsWith('.sock') });
		await using second = await startNodeProcess(nats.url, 'ship1', two);
		// It is there, and has looked at what its store says.
		await eventually(async () => (await fleet.node('ship1'))?.conflict !== null);
		expect(second.output()).not.toContain('were interrupted');
		expect((await fleet.get('ship1.a'))?.state).toBe('running');
		await effects.open('a');
		const [view] = await settled(fleet, ['a']);
		expect(view).toMatchObject({ state: 'succeeded', attempt: 1, late: [] });
		expect(await effects.words()).toEqual(['a']);
	},
);
