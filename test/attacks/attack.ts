/**
 * Owns how an attack is tried: twice, with a user's credentials and where there are no accounts.
 * Promises that an attack which does no harm without the defence fails its test: it would prove nothing.
 * Holds nothing.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { defended, undefended, type World } from './world.ts';

/** So often it is looked whether harm was done where something stands against it. */
const looks = 50;

export type Attack = {
	readonly name: string;
	/** Tries it against what was seeded under this id; whether it did harm. */
	readonly does: (world: World, id: string) => Promise<boolean>;
};

export function tryEach(who: string, attacks: readonly Attack[]): void {
	describe(`with the credentials of ${who}`, () => {
		let shielded: World;
		let bare: World;
		beforeAll(async () => {
			[shielded, bare] = await Promise.all([defended(), undefended()]);
		});
		afterAll(async () => {
			await Promise.all([shielded[Symbol.asyncDispose](), bare[Symbol.asyncDispose]()]);
		});

		const numbered = attacks.map((attack, index) => ({ ...attack, id: `c${index}` }));
		test.each(numbered)('nobody $name', async ({ does, id }) => {
			const [harmless, harmful] = await Promise.all(
				[shielded, bare].map(async (world) => {
					// What the last attack took away where nothing stops it.
					await world.restore();
					await world.seed(id);
					return does(world, id);
				}),
			);
			expect({ harmless, harmful }).toEqual({ harmless: false, harmful: true });
		});
	});
}

/** Whether some of the victim's messages are gone. */
export async function removes(
	world: World,
	stream: string,
	filter: string,
	attack: () => Promise<unknown>,
): Promise<boolean> {
	const before = await world.count(stream, filter);
	expect(before).toBeGreaterThan(0);
	await attack();
	await world.attacker.nc.flush();
	return comesTrue(world, async () => (await world.count(stream, filter)) < before);
}

/** What a reply sets off is done apart from what was asked, and later: where nothing stands against it, it is waited for. */
export async function comesTrue(world: World, harm: () => Promise<boolean>): Promise<boolean> {
	if (!world.isDefended) return eventually(harm);
	for (let look = 0; look < looks; look++) if (await harm()) return true;
	return false;
}
