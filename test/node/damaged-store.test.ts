import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type DamagedStoreOptions, replaceDamaged } from '../../src/node/store/damaged-store.ts';
import { Store } from '../../src/node/store/store.ts';
import { randomFrom } from '../chaos/random.ts';
import { builtFile } from '../support/built.ts';
import { alterText, type Damage, damages } from '../support/damage.ts';
import { effectsIn, untilGone } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { recordingLog } from '../support/log.ts';
import { isLong } from '../support/long.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { canMount, mountSmallDisk } from '../support/small-disk.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

const walkPath = builtFile('bin/store-walk.js');

const mostEntries = 200;
const keyOf = (n: number) => `entry-${String(n).padStart(4, '0')}`;

/** A folder with a store that has pages of every kind: branches, leaves, values larger than a page, free ones. */
async function folderWithStore() {
	const dir = await tempDir();
	const path = join(dir.path, 'store');
	const store = new Store(path, systemClock);
	await store.start();
	for (let n = 0; n < mostEntries; n++) {
		const size = n % 20 === 0 ? 9000 : (n % 7) * 200;
		await store.commitLazily((writes) => {
			writes.put('journal', keyOf(n), { n, text: 'x'.repeat(size) });
			writes.put('outbox', keyOf(n), { n });
			if (n % 3 === 0) writes.remove('outbox', keyOf(n - 2));
		});
	}
	await store.commit((writes) => writes.put('meta', 'last', mostEntries));
	await store.stop();
	return { ...dir, path, epoch: store.epoch, [Symbol.asyncDispose]: dir[Symbol.asyncDispose] };
}

/** What the node does before it opens its store, and what it says. */
async function prepared(path: string, more: Partial<DamagedStoreOptions> = {}) {
	const log = recordingLog();
	const lost: string[] = [];
	await replaceDamaged({
		...{ path, walkPath, wasUsed: async () => false, clock: systemClock, log, ...more },
		onLost: (message) => lost.push(message),
	});
	const kept = (await readdir(join(path, '..'))).filter((name) => name.startsWith('store.damaged-'));
	return { lost, kept, errors: log.lines.filter(({ level }) => level === 'error').length };
}

/** Opens it as the node does, and reads and writes: the epoch, and how many entries are right. */
async function worksWith(path: string) {
	const store = new Store(path, systemClock);
	await store.start();
	let right = 0;
	for (let n = 0; n < mostEntries; n++) {
		if (store.get<{ n: number }>('journal', keyOf(n))?.n === n) right += 1;
	}
	for (let n = 0; n < 50; n++) {
		await store.commitLazily((writes) => writes.put('seen', keyOf(n), 'x'.repeat(800)));
	}
	await store.commit((writes) => writes.remove('outbox', keyOf(1)));
	await store.stop();
	return { epoch: store.epoch, right };
}

type Fate = 'kept aside' | 'gone' | 'kept aside or unharmed';
const fates: Record<Damage, Fate> = {
	truncated: 'kept aside',
	blankPage: 'kept aside or unharmed',
	noisePage: 'kept aside or unharmed',
	noiseSector: 'kept aside or unharmed',
	noiseMeta: 'kept aside',
	blankAll: 'kept aside',
	garbage: 'kept aside',
	emptied: 'gone',
	folder: 'kept aside',
	removed: 'gone',
};

test.each(Object.entries(fates))(
	'a store that is damaged (%s) is %s, never worked with',
	async (name, fate) => {
		await using made = await folderWithStore();
		const original = join(made.path, '..', 'original');
		await cp(made.path, original, { recursive: true });
		const random = randomFrom(1).fork(name);
		for (let round = 0; round < (fate === 'kept aside or unharmed' ? (isLong ? 4 : 2) : 1); round++) {
			await rm(made.path, { recursive: true });
			await cp(original, made.path, { recursive: true });
			await damages[name as Damage](join(made.path, 'data.mdb'), random.next);
			const { lost, kept, errors } = await prepared(made.path);
			const { epoch, right } = await worksWith(made.path);
			if (fate === 'kept aside or unharmed' && kept.length === 0) {
				// The page was not in use.
				expect({ lost, epoch, right }).toEqual({ lost: [], epoch: made.epoch, right: mostEntries });
				continue;
			}
			expect({ kept: kept.length, lost: lost.length, errors, right }).toEqual({
				...{ kept: fate === 'gone' ? 0 : 1, lost: 1, errors: 1, right: 0 },
			});
			expect(epoch).not.toBe(made.epoch);
			for (const folder of kept) await rm(join(made.path, '..', folder), { recursive: true });
		}
	},
);

test('a sound store stays as it is, also one without checksums from before there were any', async () => {
	await using made = await folderWithStore();
	expect(await prepared(made.path)).toEqual({ lost: [], kept: [], errors: 0 });
	expect(await worksWith(made.path)).toEqual({ epoch: made.epoch, right: mostEntries });

	await using dir = await tempDir();
	const path = join(dir.path, 'store');
	const root = open<string, string>({ path, encoding: 'string', maxDbs: 16 });
	const [journal, meta] = ['journal', 'meta'].map((name) => root.openDB({ name, encoding: 'string' }));
	for (let n = 0; n < mostEntries; n++) await journal?.put(keyOf(n), JSON.stringify({ n }));
	await meta?.put('epoch', '"old"');
	await root.close();
	expect(await prepared(path)).toEqual({ lost: [], kept: [], errors: 0 });
	expect(await worksWith(path)).toEqual({ epoch: 'old', right: mostEntries });
	// And it is damaged where what stands there is no JSON.
	expect(await alterText(join(path, 'data.mdb'), '{"n":17}')).toBeGreaterThan(0);
	expect((await prepared(path)).kept).toHaveLength(1);
});

test('a first store is no loss; one that was there before is', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'store');
	expect((await prepared(path)).lost).toEqual([]);
	const { lost } = await prepared(path, { wasUsed: async () => true });
	expect(lost).toEqual([expect.stringContaining('its store is gone')]);
});

test('of damaged stores the newest three are kept', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'store');
	const kept: string[][] = [];
	for (let year = 2001; year <= 2005; year++) {
		await mkdir(path);
		await writeFile(join(path, 'data.mdb'), 'garbage');
		const clock = { ...systemClock, now: () => Date.UTC(year, 0) };
		kept.push((await prepared(path, { clock })).kept);
	}
	expect(kept.map(({ length }) => length)).toEqual([1, 2, 3, 3, 3]);
	const newest = kept.at(-1)?.sort() ?? [];
	expect(newest[0]).toContain('2003-01-01');
	expect(await readFile(join(dir.path, newest[2] ?? '', 'data.mdb'), 'utf8')).toBe('garbage');
});

test('a walk that dies once, or of something else than the file, moves nothing', async () => {
	await using made = await folderWithStore();
	const marker = join(made.path, '..', 'marker');
	const walker = async (text: string) => {
		const script = join(made.path, '..', 'walker.mjs');
		await writeFile(script, `import fs from 'node:fs';\n${text}`);
		return script;
	};
	const sound = `console.log('{"is":"sound","entries":1}')`;
	const once = `if (fs.existsSync('${marker}')) ${sound}; else { fs.writeFileSync('${marker}', ''); process.abort(); }`;
	expect(await prepared(made.path, { walkPath: await walker(once) })).toMatchObject({ lost: [], kept: [] });
	expect((await stat(marker)).isFile()).toBe(true);
	for (const other of [
		`process.kill(process.pid, 'SIGKILL')`,
		`throw new Error('broken')`,
		`console.error('FATAL ERROR: heap out of memory'); process.abort()`,
		`console.log('{"is":"unknown","why":"No space left on device"}')`,
	]) {
		const attempt = prepared(made.path, { walkPath: await walker(other) });
		await expect(attempt).rejects.toMatchObject({ code: 'storage' });
	}
	expect(await worksWith(made.path)).toMatchObject({ epoch: made.epoch, right: mostEntries });
});

test.skipIf(!canMount)('lmdb dies of a good store on a full disk; that is no damage', async () => {
	await using dir = await tempDir();
	await using disk = await mountSmallDisk(dir.path);
	await using made = await folderWithStore();
	const path = join(disk.path, 'store');
	await cp(made.path, path, { recursive: true });
	// Made anew and mapped, where there is no room for it.
	await rm(join(path, 'lock.mdb'));
	await disk.fill();
	await expect(prepared(path)).rejects.toMatchObject({
		code: 'storage',
		message: expect.stringMatching(/looks damaged .*SIGBUS.*but its disk does not work/),
	});
	await disk.free();
	expect(await prepared(path)).toEqual({ lost: [], kept: [], errors: 0 });
	expect(await worksWith(path)).toEqual({ epoch: made.epoch, right: mostEntries });
});

test('a store in a newer format is refused, and left as it is', async () => {
	await using made = await folderWithStore();
	const file = join(made.path, 'data.mdb');
	const content = await readFile(file);
	content.writeUInt32LE(3, 28);
	await writeFile(file, content);
	await expect(prepared(made.path)).rejects.toMatchObject({ code: 'schema-newer' });
	expect(await readFile(file)).toEqual(content);
});

test('what is read is what was written, or the store says that it is damaged and takes nothing more', async () => {
	await using made = await folderWithStore();
	const failures: string[] = [];
	const store = new Store(made.path, systemClock, { onDamage: ({ code }) => failures.push(code) });
	await store.start();
	try {
		await store.commit((writes) => writes.put('journal', 'victim', { text: 'as it was written' }));
		expect(await alterText(join(made.path, 'data.mdb'), 'as it was written')).toBeGreaterThan(0);
		expect(store.get('journal', keyOf(1))).toMatchObject({ n: 1 });
		expect(() => store.get('journal', 'victim')).toThrow(/damaged/);
		expect(() => [...store.range('journal')]).toThrow(/damaged/);
		const late = store.commit((writes) => writes.put('journal', 'late', 1));
		await expect(late).rejects.toMatchObject({ code: 'storage' });
		expect(failures).toEqual(['storage']);
	} finally {
		await store.stop();
	}
	expect((await prepared(made.path)).kept).toHaveLength(1);
});

test('what a lost store had started is ended, interrupted, or run again by its policy; the centre is told', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await shortenLeases(nats.url, 'ship1', 1000);
	await using dir = await tempDir();
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	const effects = effectsIn(dir.path);
	await using centralNode = await startNode(nats.url, 'central');
	await using first = await startNodeProcess(nats.url, 'ship1', nodeDir, { node: { lanes: { normal: 2 } } });
	const stuck = 'if [ "$STEWARD_ATTEMPT" = 1 ]; then sleep 1000 & wait; fi';
	await fleet.send(command('reports', effects.shell('reports $$', stuck)));
	await fleet.send(
		command('reruns', effects.shell('reruns $$', stuck), { onInterrupt: 'rerun', attempts: 3 }),
	);
	const before = await effects.reach(2);
	await first.kill();
	await damages.noiseMeta(join(nodeDir, 'store', 'data.mdb'), randomFrom(1).next);

	await using second = await startNodeProcess(nats.url, 'ship1', nodeDir);
	expect(ends(await settled(fleet, ['reports', 'reruns']))).toEqual(['interrupted 1', 'succeeded 2']);
	for (const word of before) await untilGone(Number(word.split(' ')[1]), 1);
	expect((await effects.words()).map((word) => word.split(' ')[0]).sort()).toEqual([
		...['reports', 'reruns', 'reruns'],
	]);
	expect(second.output()).toContain('the store is damaged; it is kept aside');
	const told = await eventually(() => readFile(join(centralNode.dataDir, 'logs', 'errors.jsonl'), 'utf8'));
	expect(told).toMatch(/"sender":"ship1".*"code":"storeFailed".*its store was damaged/);
});

test('a node whose store is damaged while it runs ends with nothing acknowledged; its next start begins anew', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await shortenLeases(nats.url, 'ship1', 1000);
	await using dir = await tempDir();
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	const effects = effectsIn(dir.path);
	await using first = await startNodeProcess(nats.url, 'ship1', nodeDir);
	const again = { attempts: 2, backoff: { kind: 'fixed', initial: '5s' } } as const;
	await fleet.send(command('a', effects.shell('a', 'exit 1'), again));
	// Read again when the next attempt is due.
	await eventually(() => alterText(join(nodeDir, 'store', 'data.mdb'), '"state":"retrying"'));
	expect(await first.exited).toBe(20);
	expect(first.output()).toContain('is damaged');
	expect((await fleet.get('ship1.a'))?.state).toBe('retrying');

	await using _second = await startNodeProcess(nats.url, 'ship1', nodeDir);
	expect(ends(await settled(fleet, ['a']))).toEqual(['interrupted 1']);
	expect(await effects.words()).toEqual(['a']);
	expect(await readdir(nodeDir)).toContainEqual(expect.stringContaining('store.damaged-'));
});
