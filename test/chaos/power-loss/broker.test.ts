import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../src/base/package.ts';
import { startNats } from '../../support/nats.ts';
import { openRaw } from '../../support/raw.ts';
import { tempDir } from '../../support/temp.ts';
import { randomFrom } from '../random.ts';
import { type Cut, cutAt, places } from './cut.ts';
import { type Survival, writeImage } from './image.ts';
import { type Promised, promisesOf, type Removal } from './promises.ts';
import { type Recording, record } from './recording.ts';
import { brokenPromises } from './restored.ts';
import { boundaries, seed, whyNoTrace } from './strace.ts';
import { readWire } from './wire.ts';

/**
 * The power goes at a place of the broker's trace; its store is made anew from what the system had confirmed by then, a broker
 * starts on it, and every message whose PubAck had been sent is looked for.
 */

const why = await whyNoTrace();
const random = randomFrom(seed).fork('broker');

type Promises = { readonly promised: readonly Promised[]; readonly removals: readonly Removal[] };

/** What a broker that starts on the image has lost. */
async function lossesAt(cut: Cut, { promised, removals }: Promises, kept: Survival): Promise<string[]> {
	const what = `place ${cut.place}, ${kept.names} and ${kept.content}`;
	await using nats = await startNats({ prepare: (dir) => writeImage(cut.broker, dir, kept, random) });
	await using raw = await openRaw(nats.url);
	return (await brokenPromises(raw, promised, removals, cut.place)).map((loss) => `${what}: ${loss}`);
}

/** Of the streams that steward's guarantees stand on, how many messages were promised. */
function countOf({ promised }: Promises, stream: string): number {
	return promised.filter((promise) => promise.stream.startsWith(stream)).length;
}

async function recordPromises(
	options: Parameters<typeof record>[0],
): Promise<Promises & { recording: Recording }> {
	const recording = await record(options);
	return { recording, ...promisesOf(readWire(recording.broker.trace, true)) };
}

test.skipIf(why !== undefined)(
	`what was acknowledged is there after a power loss, wherever it comes (seed ${seed})`,
	async () => {
		const promises = await recordPromises({ seed, forMs: 2000 });
		await using recording = promises.recording;
		const streams = ['COMMANDS', 'EVENTS', 'CLAIMS', 'REPORTS', 'STATE', 'OUTPUT'].map(
			(name) => `STEWARD_${name}`,
		);
		for (const stream of [...streams, 'KV_steward-ledger', 'KV_steward-results']) {
			expect(countOf(promises, stream), `promises of ${stream}`).toBeGreaterThan(0);
		}
		const losses: string[] = [];
		for (const [n, place] of places(recording, promises.promised, random, boundaries).entries()) {
			const cut = cutAt(recording, { place });
			expect(cut.broker.unmodelled).toEqual([]);
			const content = n % 4 < 2 ? 'lost' : 'torn';
			losses.push(...(await lossesAt(cut, promises, { names: 'ordered', content })));
		}
		expect(losses, `seed ${seed}`).toEqual([]);
	},
	300_000 + boundaries * 30_000,
);

test.skipIf(why !== undefined)(
	'without strict durability the same loses what was acknowledged: the instrument sees it',
	async () => {
		await using dir = await tempDir();
		const config = join(dir.path, 'nats-server.conf');
		const shipped = await readFile(join(packageRoot, 'nats-server.conf'), 'utf8');
		await writeFile(config, shipped.replace(/^ *sync_interval:.*$/m, ''));
		const promises = await recordPromises({ seed, forMs: 300, starts: 5, config });
		await using recording = promises.recording;
		const last = promises.promised.at(-1)?.place ?? 0;
		const cut = cutAt(recording, { place: last + 1 });
		const losses = await lossesAt(cut, promises, { names: 'ordered', content: 'lost' });
		const lost = losses.filter((loss) => loss.includes('STEWARD_COMMANDS_0') && loss.includes('is gone'));
		expect(lost.length, losses.join('\n')).toBeGreaterThan(0);
	},
	300_000,
);

test.skipIf(why !== undefined)(
	'a store that nats-server has just made is safe where an fsync forces the name of its file as well, not where it does not',
	async () => {
		const promises = await recordPromises({ seed, forMs: 300, starts: 5, isNew: true });
		await using recording = promises.recording;
		const cut = cutAt(recording, { place: (promises.promised.at(-1)?.place ?? 0) + 1 });
		expect(await lossesAt(cut, promises, { names: 'ordered', content: 'lost' })).toEqual([]);
		// nats-server forces no folder of messages to disk: ext4 and XFS need it not, POSIX alone does not say so.
		const losses = await lossesAt(cut, promises, { names: 'strict', content: 'lost' });
		expect(losses.length).toBeGreaterThan(0);
	},
	300_000,
);

test.skipIf(why === undefined)(`power loss: skipped, because ${why}`, () => undefined);
