/**
 * Owns a ship with schedules behind a link that can be cut, and what became of its ticks.
 * Promises words in the order in which they were run, one for each start, and the centre's own word for each.
 * Everything is gone at the end.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigForm } from '../../../src/domain/config.ts';
import type { ScheduleForm } from '../../../src/domain/schedule.ts';
import { tickId } from '../../../src/domain/ticks.ts';
import type { CommandView } from '../../../src/domain/view.ts';
import { fleetOn } from '../../client/setup.ts';
import { effectsIn } from '../../support/effects.ts';
import { eventually } from '../../support/eventually.ts';
import { startCentral } from '../../support/fleet.ts';
import { startNats } from '../../support/nats.ts';
import { startProxy } from '../../support/proxy.ts';
import { openRaw } from '../../support/raw.ts';
import { tempDir } from '../../support/temp.ts';

export async function place(centre: ConfigForm['centre'] = {}) {
	const nats = await startNats();
	const dir = await tempDir();
	const central = await startCentral(nats.url, centre);
	const proxy = await startProxy(nats.port);
	const raw = await openRaw(nats.url);
	const { fleet, parts } = await fleetOn(raw.connection);
	const effects = effectsIn(dir.path);
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	const states = async () => (await parts.nodes.read('ship1'))?.record.state.schedules ?? [];
	return {
		...{ nats, central, proxy, raw, fleet, parts, effects, nodeDir },
		/** Keeps a schedule in the book whose ticks write `<word> <moment>`. */
		keep: (word: string, form: Partial<ScheduleForm> = {}, then?: string) => {
			const message = { method: 'shellCommand', data: effects.shell(`${word} {{tick}}`, then) };
			const whole = { name: 's', every: '1s', toNode: 'ship1', placement: 'node' as const, message, ...form };
			return fleet.schedules.add(whole, { replace: true });
		},
		/** What the ship says of its schedules. */
		states,
		/** Resolves when the ship says that it has this version, or none. */
		has: (name: string, version: number | null) =>
			eventually(
				async () => ((await states()).find((one) => one.name === name)?.version ?? null) === version,
				{ message: `ship1 has ${name} ${version}` },
			),
		/** The words of one start, `<word> <moment>`, as the centre tells of it once it has ended. */
		told: (words: readonly string[], name = 's') =>
			Promise.all(
				words.map((text) =>
					eventually(
						async (): Promise<CommandView | false> => {
							const view = await fleet.get({ node: 'ship1', id: idOf(text, name) });
							return view !== undefined && view.endedAt !== null && view;
						},
						{ message: `${text} is told` },
					),
				),
			),
		[Symbol.asyncDispose]: async () => {
			await central[Symbol.asyncDispose]();
			await raw[Symbol.asyncDispose]();
			await proxy[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
		},
	};
}

/** The id of the command that a word was written by. */
export function idOf(word: string, name = 's'): string {
	return tickId(name, 'ship1', Date.parse(word.split(' ')[1] ?? ''));
}
