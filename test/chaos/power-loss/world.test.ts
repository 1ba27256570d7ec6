import { afterAll, beforeAll, expect, test } from 'vitest';
import { tempDir } from '../../support/temp.ts';
import { randomFrom } from '../random.ts';
import { cutAt, places } from './cut.ts';
import { type Survival, writeImage } from './image.ts';
import { acksIn, effectsIn, journalOf } from './node-checks.ts';
import { promisesOf } from './promises.ts';
import { type Recording, record } from './recording.ts';
import { goOn } from './resume.ts';
import { boundaries, seed, whyNoTrace } from './strace.ts';
import { readWire } from './wire.ts';

/**
 * One recorded world, and many moments in which the power of all its machines goes at once: what the node had done by then
 * must be in its journal, and the world that starts on what is left must end well.
 */

const why = await whyNoTrace();
const random = randomFrom(seed).fork('world');
const isLong = process.env.STEWARD_POWER_BOUNDARIES !== undefined;
/** A world that goes on takes seconds. */
const worlds = isLong ? boundaries : 2;

let recording: Recording;
beforeAll(async () => {
	if (why === undefined) recording = await record({ seed, forMs: 2000 });
}, 300_000);
afterAll(() => recording?.[Symbol.asyncDispose]());

const survivals: readonly Survival[] = [
	{ names: 'ordered', content: 'lost' },
	{ names: 'ordered', content: 'torn' },
	{ names: 'strict', content: 'lost' },
	{ names: 'strict', content: 'torn' },
];

test.skipIf(why !== undefined)(
	`a side effect is preceded by its start in the journal, an ack by its end, whatever is lost (seed ${seed})`,
	async () => {
		const { promised } = promisesOf(readWire(recording.broker.trace, true));
		const effects = effectsIn(recording.node.trace, recording.effects.path);
		const acks = acksIn(recording.node.trace, promised);
		expect(Math.min(effects.length, acks.length)).toBeGreaterThan(10);
		const wrong: string[] = [];
		// Right after a side effect, and right after an ack: then there was no time for anything else.
		const moments = [...effects, ...acks].map(({ place }) => place + 1);
		for (let n = 0; n < 5 * boundaries; n++) {
			const nodePlace = random.pick(moments);
			const { node } = cutAt(recording, { nodePlace });
			expect(node.unmodelled).toEqual([]);
			for (const kept of survivals) {
				await using dir = await tempDir('steward-power-');
				await writeImage(node, dir.path, kept, random);
				const journal = await journalOf(dir.path);
				const told = `place ${nodePlace}, ${kept.names} and ${kept.content}`;
				for (const { id, place } of effects) {
					if (place < nodePlace && !journal.has(id))
						wrong.push(`${told}: ${id} ran, and was not written down`);
				}
				for (const { id, place } of acks) {
					const state = journal.get(id);
					if (place < nodePlace && state !== 'finished') wrong.push(`${told}: ${id} acked while ${state}`);
				}
			}
		}
		expect(wrong, `seed ${seed}`).toEqual([]);
	},
	240_000 + boundaries * 20_000,
);

test.skipIf(why !== undefined)(
	`the power of everything goes at once: the world goes on, and what was acknowledged ends well (seed ${seed})`,
	async () => {
		const { promised } = promisesOf(readWire(recording.broker.trace, true));
		const before = { recording, promised, effects: effectsIn(recording.node.trace, recording.effects.path) };
		for (const [n, place] of places(recording, promised, random, worlds).entries()) {
			const kept: Survival = { names: 'ordered', content: n % 2 === 0 ? 'torn' : 'lost' };
			const { offences, ends } = await goOn(before, cutAt(recording, { place }), kept, random);
			const told = `seed ${seed}, place ${place}, ${kept.content}; ${JSON.stringify(ends)}`;
			if (isLong) console.log(told);
			expect(offences, told).toEqual([]);
			expect(ends.succeeded ?? 0, told).toBeGreaterThan(0);
		}
	},
	240_000 + worlds * 150_000,
);

test.skipIf(why === undefined)(`power loss: skipped, because ${why}`, () => undefined);
