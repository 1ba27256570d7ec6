import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { randomFrom } from '../chaos/random.ts';
import { damages } from '../support/damage.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { readLogs } from '../support/logs.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { startProxy } from '../support/proxy.ts';
import { spooledUntil } from '../support/spool.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

test('damaged files beside the store are survived with a word, and what is good beside them is used', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await shortenLeases(nats.url, 'ship1', 1000, { normal: 4 });
	await using dir = await tempDir();
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	const effects = effectsIn(dir.path);
	const ids = ['noise', 'blank', 'marks', 'folder', 'good'];
	const options = { node: { lanes: { normal: ids.length } } };
	{
		await using first = await startNodeProcess(proxy.url, 'ship1', nodeDir, options);
		const says = `${effects.gate('cut')}; for i in $(seq 3000); do echo $1 $i; done; echo said >> ${effects.path}`;
		for (const id of ids) await fleet.send(command(id, effects.shell(id, says.replace('$1', id))));
		await effects.reach(ids.length);
		proxy.cut();
		await effects.open('cut');
		await effects.reach(2 * ids.length);
		// Its node reads what a command says after that: all of it has to be in the spool before it is killed.
		await eventually(async () => {
			const spooled = await Promise.all(ids.map((id) => spooledUntil(join(nodeDir, 'output'), id)));
			return spooled.every(({ stdout }, at) => stdout === linesOf(ids[at] ?? '').length);
		});
		await first.kill();
	}
	const random = randomFrom(2);
	const files = await readdir(join(nodeDir, 'output'));
	const segmentOf = (id: string) =>
		join(
			nodeDir,
			'output',
			files.find((file) => file.startsWith(`${id}.`) && file.endsWith('.segment')) ?? id,
		);
	await damages.garbage(segmentOf('noise'), random.next);
	await damages.blankAll(segmentOf('blank'));
	await damages.folder(segmentOf('folder'));
	const marks = segmentOf('marks').replace(/\d+\.segment$/, 'marks');
	await rm(marks, { force: true });
	await mkdir(marks);
	const held = (await readdir(nodeDir)).find((name) => name.startsWith('held-')) ?? 'held-';
	await damages.folder(join(nodeDir, held));
	const taken = (n: number) => join(nodeDir, `inmsg.taken-170000000000${n}-abcdefghijklmnop`);
	await damages.garbage(await emptyFile(taken(1)), random.next);
	await mkdir(taken(2));
	await writeFile(
		taken(3),
		`${JSON.stringify([{ toNode: 'ship1', method: 'shellCommand', kind: 'command', id: 'viaFile', data: ['true'] }])}\n`,
	);

	proxy.heal();
	await using second = await startNodeProcess(proxy.url, 'ship1', nodeDir, options);
	await fleet.send(command('after', ['true']));
	expect(ends(await settled(fleet, ['after', 'viaFile']))).toEqual(['succeeded 1', 'succeeded 1']);
	await settled(fleet, ids);
	const whole = linesOf('good');
	await eventually(async () => (await readLogs(fleet, 'ship1.good')).stdout.text === whole, {
		message: 'what is good is sent after what is damaged was tried',
	});
	// Of the others nothing wrong is said, and that something is missing is.
	for (const id of ['noise', 'blank', 'folder', 'marks']) {
		const { stdout, gaps, end } = await readLogs(fleet, `ship1.${id}`);
		expect(whole.replaceAll('good', id)).toContain(stdout.text.slice(0, 1000));
		expect([id, gaps.length > 0 || end?.complete === false]).toEqual([id, true]);
	}
	for (const word of ['notes of held deliveries cannot be used', 'it is not sent', 'it is given up']) {
		expect(second.output()).toContain(word);
	}
	await eventually(() => second.output().includes('a text from inmsg.txt was rejected'));
	expect(await readdir(join(nodeDir, 'inmsg.rejected'))).not.toEqual([]);
});

function linesOf(id: string): string {
	return `${Array.from({ length: 3000 }, (_, n) => `${id} ${n + 1}`).join('\n')}\n`;
}

async function emptyFile(path: string): Promise<string> {
	await writeFile(path, '');
	return path;
}
