import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { Boots } from '../../src/node/store/boots.ts';
import { Seen } from '../../src/node/store/seen.ts';
import { Store } from '../../src/node/store/store.ts';
import { builtFile } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { tempDir } from '../support/temp.ts';

async function makeStore() {
	const dir = await tempDir();
	const store = new Store(join(dir.path, 'store'), systemClock);
	await store.start();
	return {
		store,
		path: join(dir.path, 'store'),
		[Symbol.asyncDispose]: async () => {
			await store.stop();
			await dir[Symbol.asyncDispose]();
		},
	};
}

/** Another process, which runs `text` with a started `store` in this folder. */
async function writerIn(folder: string, text: string): Promise<ChildProcess> {
	const script = join(folder, 'writer.mjs');
	const url = (path: string) => pathToFileURL(path).href;
	await writeFile(
		script,
		`import { Store } from '${url(builtFile('node/store/store.js'))}';
		import { systemClock } from '${url(builtFile('base/clock.js'))}';
		const store = new Store(${JSON.stringify(join(folder, 'store'))}, systemClock);
		await store.start();
		${text}`,
	);
	return fork(script, { stdio: 'ignore' });
}

test('what was committed is there after a kill -9 of the process that committed it', async () => {
	await using dir = await tempDir();
	const writer = await writerIn(
		dir.path,
		`for (let n = 1; ; n++) {
			await store.commit((writes) => { writes.put('journal', 'a', n); writes.put('outbox', 'b', n); });
			process.send(n);
		}`,
	);
	const exited = once(writer, 'exit');
	let told = 0;
	await new Promise<void>((resolve) => {
		writer.on('message', (n) => {
			told = Number(n);
			if (told === 100) resolve();
		});
	});
	writer.kill('SIGKILL');
	await exited;
	const store = new Store(join(dir.path, 'store'), systemClock);
	await store.start();
	const a = store.get<number>('journal', 'a');
	expect(a).toBeGreaterThanOrEqual(told);
	expect(store.get('outbox', 'b')).toBe(a);
	await store.stop();
});

test('what was written without waiting for the disk is there after a kill -9, though it was not flushed', async () => {
	await using dir = await tempDir();
	const writer = await writerIn(
		dir.path,
		`await store.commitLazily((writes) => writes.put('journal', 'a', { child: 1 }));
		if (store.isOnDisk('journal', 'a')) process.exit(3);
		process.kill(process.pid, 'SIGKILL');`,
	);
	expect(await once(writer, 'exit')).toEqual([null, 'SIGKILL']);
	const store = new Store(join(dir.path, 'store'), systemClock);
	await store.start();
	expect(store.get('journal', 'a')).toEqual({ child: 1 });
	await store.stop();
});

test('a write is read back before it is on disk, so that the next one builds on it', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	const add = () =>
		store.commit((writes) => writes.put('meta', 'count', (store.get<number>('meta', 'count') ?? 0) + 1));
	await Promise.all(Array.from({ length: 50 }, add));
	expect(store.get('meta', 'count')).toBe(50);
	const removed = store.commit((writes) => writes.remove('meta', 'count'));
	expect(store.get('meta', 'count')).toBeUndefined();
	await removed;
	expect(store.get('meta', 'count')).toBeUndefined();
});

test('of several writes of one key in one transaction the last counts, also where that is a removal', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	await store.commit((writes) => writes.put('meta', 'gone', 0));
	await Promise.all([
		store.commit((writes) => {
			for (const n of [1, 2]) writes.put('meta', 'kept', n);
			writes.put('meta', 'gone', 1);
		}),
		store.commit((writes) => {
			writes.remove('meta', 'gone');
			writes.remove('meta', 'kept');
			writes.put('meta', 'kept', 3);
		}),
	]);
	await store.stop();
	const again = new Store(opened.path, systemClock);
	await again.start();
	expect([again.get('meta', 'kept'), again.get('meta', 'gone')]).toEqual([3, undefined]);
	await again.stop();
});

test('what is committed and not flushed yet is told from what survives a power loss', async () => {
	await using made = await makeStore();
	const { store } = made;
	const flushed = store.commit((writes) => writes.put('outbox', 'a', 1));
	expect(store.isOnDisk('outbox', 'a')).toBe(false);
	await flushed;
	expect(store.isOnDisk('outbox', 'a')).toBe(true);
	// Resolves with the commit, before the flush.
	await store.commitLazily((writes) => writes.put('outbox', 'b', 2));
	expect([...store.range('outbox')].map(({ key }) => key)).toEqual(['a', 'b']);
	expect([store.isOnDisk('outbox', 'b'), store.isOnDisk('outbox', 'a')]).toEqual([false, true]);
	await store.commit(() => undefined);
	expect(store.isOnDisk('outbox', 'b')).toBe(true);
});

test('who asks is told when it is on disk, in order and before who waits, and never of what was not written', async () => {
	await using made = await makeStore();
	const { store } = made;
	const told: string[] = [];
	const commit = (key: string) =>
		store
			.commit((writes) => {
				writes.put('outbox', key, key);
				writes.whenOnDisk(() => told.push(`${key} ${store.isOnDisk('outbox', key)}`));
			})
			.then(() => told.push(`${key} waited`));
	await Promise.all([commit('b'), commit('a')]);
	expect(told).toEqual(['b true', 'a true', 'b waited', 'a waited']);
	const lazily = store.commitLazily((writes) => writes.whenOnDisk(() => told.push('lazily')));
	await lazily;
	expect(told).not.toContain('lazily');
	await store.commit(() => undefined);
	expect(told).toContain('lazily');
	const tooLong = 'k'.repeat(5000);
	await expect(commit(tooLong)).rejects.toMatchObject({ code: 'storage' });
	expect(told.length).toBe(5);
});

test('what is flushed after its time is known to be on disk all the same', async () => {
	await using dir = await tempDir();
	let isLate = false;
	const after: Clock['after'] = (ms, fn) => {
		if (!isLate) return systemClock.after(ms, fn);
		fn();
		return () => undefined;
	};
	const store = new Store(join(dir.path, 'store'), { ...systemClock, after });
	await store.start();
	isLate = true;
	const told: string[] = [];
	const waits = store.commit((writes) => {
		writes.put('outbox', 'a', 1);
		writes.whenOnDisk(() => told.push(`on disk ${store.isOnDisk('outbox', 'a')}`));
	});
	// Where the flush is as fast as that, it has succeeded.
	await waits.catch(({ code }) => expect(code).toBe('storage'));
	await eventually(() => told.length > 0);
	expect(told).toEqual(['on disk true']);
	isLate = false;
	await store.stop();
});

test('what is written together comes back as it was, whatever its size and characters', async () => {
	await using made = await makeStore();
	const { store, path } = made;
	const values = [
		'',
		'a',
		'é€😀\u0000',
		'\ud800',
		'€'.repeat(21_842),
		'€'.repeat(21_900),
		'x'.repeat(300_000),
		'b',
	];
	await store.commit((writes) => {
		for (const [place, value] of values.entries()) writes.put('journal', `k${place}`, { value });
	});
	const read = (from: Store) =>
		values.map((_, place) => from.get<{ value: string }>('journal', `k${place}`)?.value);
	expect(read(store)).toEqual(values);
	expect([...store.range<{ value: string }>('journal')].map(({ value }) => value.value)).toEqual(values);
	await store.stop();
	const again = new Store(path, systemClock);
	await again.start();
	expect(read(again)).toEqual(values);
	await again.stop();
});

test('a range is in the order of keys, within its bounds', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	await store.commit((writes) => {
		for (const key of ['b 2', 'a 1', 'b 1', 'c 1', 'b 3']) writes.put('outbox', key, key);
	});
	const range = [...store.range<string>('outbox', { start: 'b 2', end: 'b ~' })];
	expect(range.map(({ value }) => value)).toEqual(['b 2', 'b 3']);
	expect(store.count('outbox')).toBe(5);
});

test('an emptied folder has another epoch, a restart the same', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	const { epoch } = store;
	await store.stop();
	await expect(store.commit((writes) => writes.put('meta', 'x', 1))).rejects.toMatchObject({
		code: 'storage',
	});
	await store.start();
	expect(store.epoch).toBe(epoch);
	await using other = await makeStore();
	expect(other.store.epoch).not.toBe(epoch);
});

test('survives starts and stops in any order', async () => {
	await using opened = await makeStore();
	await stressLifecycle(() => opened.store, { rounds: 30 });
});

test('remembers what was handled of each outbox of a sender, gaps and repeats included', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	const seen = new Seen(store);
	const add = (n: number, epoch = 'e1', sender = 'ship1') =>
		store.commit((writes) => seen.add(writes, sender, { epoch, n }, 0));
	const has = (n: number, epoch = 'e1', sender = 'ship1') => seen.has(sender, { epoch, n });
	expect(has(5)).toBe(false);
	await Promise.all([add(5), add(7), add(9)]);
	expect([4, 5, 6, 7, 8, 9, 10].filter((n) => has(n))).toEqual([5, 7, 9]);
	await add(6);
	await add(4);
	expect([3, 4, 5, 6, 7, 8].filter((n) => has(n))).toEqual([4, 5, 6, 7]);
	expect(has(5, 'e2')).toBe(false);
	expect(has(5, 'e1', 'ship2')).toBe(false);
	expect(has(5, 'x'.repeat(5000))).toBe(false);
	await add(5, 'x'.repeat(5000));
	expect(has(5, 'x'.repeat(5000))).toBe(true);
});

test('what is handled at once is one write, on disk when it is told, and what comes meanwhile the next', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	const commit = vi.spyOn(store, 'commit');
	const seen = new Seen(store);
	const record = (n: number, sender: string) => seen.record(sender, { epoch: 'e', n }, n);
	const known = (n: number) => seen.has('ship1', { epoch: 'e', n });
	const first = Array.from({ length: 50 }, (_, n) => record(n + 1, n % 2 === 0 ? 'ship1' : 'ship2'));
	expect(known(1)).toBe(false);
	await Promise.resolve().then(() => Promise.resolve());
	const second = [record(51, 'ship1'), record(53, 'ship1')];
	await Promise.all(first);
	await Promise.all(second);
	expect(commit).toHaveBeenCalledTimes(2);
	await store.stop();
	await store.start();
	expect([1, 2, 3, 49, 50, 51, 52, 53, 54].filter(known)).toEqual([1, 3, 49, 51, 53]);
	expect(seen.has('ship2', { epoch: 'e', n: 50 })).toBe(true);
	await store.stop();
	const refused = await Promise.allSettled([record(60, 'ship1'), record(61, 'ship2')]);
	expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
	await store.start();
	await record(62, 'ship1');
	expect([60, 61, 62].filter(known)).toEqual([62]);
});

test('remembers a bounded number of outboxes, however many a sender invents; those that spoke last stay', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	const seen = new Seen(store, 100);
	const invent = (from: number, count: number) =>
		store.commit((writes) => {
			for (let n = from; n < from + count; n += 1) seen.add(writes, 'ship1', { epoch: `e${n}`, n: 1 }, n);
		});
	await invent(0, 100);
	expect(store.count('seen')).toBe(100);
	for (let n = 100; n < 400; n += 1) {
		await invent(n, 1);
		expect(store.count('seen')).toBeLessThanOrEqual(101);
		expect(seen.has('ship1', { epoch: `e${n}`, n: 1 })).toBe(true);
	}
	expect(seen.has('ship1', { epoch: 'e350', n: 1 })).toBe(true);
	expect(seen.has('ship1', { epoch: 'e0', n: 1 })).toBe(false);
	// Control: a memory that is large enough keeps all.
	const wide = new Seen(store);
	await store.commit((writes) => {
		for (let n = 0; n < 400; n += 1) wide.add(writes, 'ship2', { epoch: `e${n}`, n: 1 }, n);
	});
	expect(store.count('seen')).toBeGreaterThan(400);
});

test('never counts an event as handled that was not, however many gaps there are; forgets senders that were long silent', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	const seen = new Seen(store);
	const add = (n: number) => store.commit((writes) => seen.add(writes, 'ship1', { epoch: 'e', n }, 0));
	const has = (n: number) => seen.has('ship1', { epoch: 'e', n });
	await add(5000);
	expect([1, 3975, 3976, 4999, 5000].filter(has)).toEqual([5000]);
	await add(1_000_000);
	expect([1, 4999, 5000, 5001, 999_999, 1_000_000].filter(has)).toEqual([5000, 1_000_000]);
	await add(500_000);
	expect([499_999, 500_000, 500_001].filter(has)).toEqual([500_000]);
	// A gap before each: the oldest gaps are forgotten, and what was handled below them with them.
	for (let n = 1_004_002; n < 1_004_002 + 2 * 1100; n += 2) await add(n);
	expect([1, 4999, 5000, 5001, 999_999, 1_000_000, 1_000_001].filter(has)).toEqual([]);
	expect([1_006_199, 1_006_200, 1_006_201].filter(has)).toEqual([1_006_200]);
	await add(4999);
	expect(has(4999)).toBe(false);
	await store.commit((writes) => seen.add(writes, 'ship2', { epoch: 'e', n: 1 }, 40 * 86_400_000));
	expect(await seen.prune(40 * 86_400_000)).toBe(1);
	expect(has(1_006_200)).toBe(false);
	expect(seen.has('ship2', { epoch: 'e', n: 1 })).toBe(true);
});

test('knows the processes that worked with it, the last thousand, and not those of a copy', async () => {
	await using opened = await makeStore();
	const { store } = opened;
	for (let n = 0; n <= 1000; n++) await new Boots(store, `boot ${n}`).start();
	const boots = new Boots(store, 'boot 1000');
	await boots.start();
	expect(['boot 0', 'boot 1', 'boot 1000', 'boot of a copy'].map((boot) => boots.has(boot))).toEqual([
		...[false, true, true, false],
	]);
	await boots.stop();
});

test('a store that grows is in memory once, not once for each size that it had', async () => {
	await using parts = await makeStore();
	const text = 'x'.repeat(1000);
	for (let round = 0; round < 4; round++) {
		await parts.store.commit((writes) => {
			for (let n = 0; n < 500; n++) writes.put('journal', `${round} ${n}`, text);
		});
	}
	const maps = await readFile('/proc/self/maps', 'utf8');
	expect(maps.split('\n').filter((line) => line.endsWith(join(parts.path, 'data.mdb')))).toHaveLength(1);
});
