/**
 * Owns the world after a power loss: a broker, a node and a centre on what is left of their disks, until all has ended.
 * Promises a verdict over what had been acknowledged by then: each command final and told as it ran, none started more often than
 * its policy allows, each event in the log. Side effects are outside of the loss: the file says what had started by then.
 */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEnded } from '../../../src/domain/state.ts';
import type { CommandView } from '../../../src/domain/view.ts';
import { startCentralProcess } from '../../support/central-process.ts';
import { eventually } from '../../support/eventually.ts';
import { openFleet } from '../../support/fleet.ts';
import { startNats } from '../../support/nats.ts';
import { startNodeProcess } from '../../support/node-process.ts';
import type { Random } from '../random.ts';
import type { Cut } from './cut.ts';
import { type Survival, writeImage } from './image.ts';
import type { Seen } from './node-checks.ts';
import type { Promised } from './promises.ts';
import { lanes, outputOf, quickCentre, type Recording, ship } from './recording.ts';

export type Before = {
	readonly recording: Recording;
	readonly promised: readonly Promised[];
	readonly effects: readonly Seen[];
};

/** What the world that went on got wrong, in words; and how its commands ended. */
export async function goOn(
	{ recording, promised, effects }: Before,
	cut: Cut,
	kept: Survival,
	random: Random,
): Promise<{ offences: string[]; ends: Record<string, number> }> {
	const asked = promised.filter(({ place }) => place < cut.place);
	const sent = asked.filter(ofCommand).map(({ subject }) => subject.split('.').at(-1) ?? '');
	const ids = new Set([...recording.found, ...sent]);
	const begun = effects.filter(({ place }) => place < cut.nodePlace).map(({ id }) => `${id}\n`);
	await writeFile(recording.effects.path, begun.join(''));
	// Where it was: the folder is part of a node's identity.
	const dataDir = recording.node.folder;
	await rm(dataDir, { recursive: true, force: true });
	await writeImage(cut.node, dataDir, kept, random);
	await using nats = await startNats({ prepare: (store) => writeImage(cut.broker, store, kept, random) });
	await using central = await startCentralProcess(nats.url, quickCentre);
	// After a new boot lmdb trusts what was flushed alone; here the boot is the same, so it is told.
	const env = { LMDB_RESTORE: 'safe' };
	await using node = await startNodeProcess(nats.url, ship, dataDir, { node: { lanes }, env });
	await central.whenReady;
	await using fleet = await openFleet(nats.url);
	const offences: string[] = [];
	const ends: Record<string, number> = {};
	await fleet
		.wait(
			[...ids].map((id) => `${ship}.${id}`),
			{ timeoutMs: 60_000 },
		)
		.catch((error: unknown) => {
			const message = error instanceof Error ? error.message.slice(0, 300) : String(error);
			offences.push(`not all ended: ${message}; the node said last:\n${node.output().slice(-3000)}`);
		});
	const words = await recording.effects.words();
	for (const id of ids) {
		const view = await fleet.get(`${ship}.${id}`);
		const ran = words.filter((word) => word === id).length;
		ends[view?.state ?? 'unknown'] = (ends[view?.state ?? 'unknown'] ?? 0) + 1;
		offences.push(...offencesOf(id, view, ran));
	}
	offences.push(...(await missingEvents(asked, join(dataDir, 'logs', '_operator.log'))));
	return { offences, ends };
}

const ofCommand = ({ stream }: Promised) => stream.startsWith('STEWARD_COMMANDS');

function offencesOf(id: string, view: CommandView | undefined, ran: number): string[] {
	if (!view) return [`${id}: nobody knows it`];
	const told = `${id}: ${view.state}, ran ${ran} times`;
	const offences: string[] = [];
	if (!hasEnded(view)) offences.push(`${told}; it has not ended`);
	if (ran > 1) offences.push(`${told}; once is allowed`);
	if (view.state === 'succeeded' && ran === 0) offences.push(`${told}; it never ran`);
	if (view.state === 'succeeded' && view.result?.stdout?.head !== outputOf(id)) {
		offences.push(`${told}; its result: ${JSON.stringify(view.result)}`);
	}
	if (view.state !== 'succeeded' && view.state !== 'interrupted')
		offences.push(`${told}; that is no end of it`);
	return offences;
}

/** Events that were acknowledged, and are in no line of the log even now. */
async function missingEvents(asked: readonly Promised[], log: string): Promise<string[]> {
	const texts = asked
		.filter(({ stream }) => stream === 'STEWARD_EVENTS')
		.map(({ data }) => String(JSON.parse(data.toString())[0]));
	let missing: string[] = texts;
	const look = async () => {
		const lines = new Set((await readFile(log, 'utf8')).split('\n'));
		missing = texts.filter((text) => !lines.has(text));
		return missing.length === 0;
	};
	if (texts.length > 0) await eventually(look, { timeoutMs: 60_000, everyMs: 200 }).catch(() => undefined);
	return missing.map((text) => `event "${text}" is in no line of ${log}`);
}
