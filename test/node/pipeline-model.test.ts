/**
 * Guarantees 2 and 3 of the design, for any order of what can happen: deliveries, crashes at every step, lost answers, a lost
 * link, lost disks, full disks, copied disks, wrong clocks, a second machine of the same name, cancels, deadlines. A failure prints seed and path of the smallest world.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fuzz, fuzzTimeoutMs, isReplay } from '../support/fuzz.ts';
import { type CommandSpec, ends } from './pipeline-delivery.ts';
import { type Told, World } from './pipeline-world.ts';

const spec: fc.Arbitrary<CommandSpec> = fc.record({
	onInterrupt: fc.constantFrom('report', 'rerun'),
	attempts: fc.integer({ min: 1, max: 3 }),
	deliverWithinMs: fc.constantFrom(null, null, 20_000),
	ends: fc.array(fc.constantFrom(...ends), { minLength: 1, maxLength: 3 }),
});

/** What happens next; `n` picks one of several: a step, a message, a machine. */
const happenings = {
	step: (world: World, n: number) => world.go(n),
	lose: (world: World, n: number) => world.go(n, true),
	steps: (world: World, n: number) => world.goOn(n),
	deliver: async (world: World, n: number) => {
		const message = world.messages[n % world.messages.length];
		const machine = world.machines[(n >> 3) % world.machines.length];
		if (message) world.deliver(message, machine?.process);
	},
	crash: async (world: World, n: number) => {
		const machine = world.machines[n % world.machines.length];
		machine?.crash(n >> 2);
		machine?.start();
	},
	wipe: async (world: World, n: number) => {
		const machine = world.machines[n % world.machines.length];
		machine?.wipe();
		machine?.start();
	},
	stop: async (world: World, n: number) => world.machines[n % world.machines.length]?.process?.stop(),
	linkLost: async (world: World, n: number) => world.machines[n % world.machines.length]?.process?.linkLost(),
	callOff: async (world: World, n: number) => world.callOff(idAt(world, n)),
	cancel: async (world: World, n: number) => world.close(idAt(world, n), 'cancelled'),
	expire: async (world: World, n: number) => world.close(idAt(world, n), 'expired'),
	/** Its sender did not hear that it is there; the claim says later that it was. */
	copy: async (world: World, n: number) => {
		const id = idAt(world, n);
		if (world.claims.has(id)) world.store(id);
	},
	project: async (world: World) => world.project(),
	sweep: (world: World) => world.sweep(),
	/** Closed, told, swept and forgotten, while a delivery of it may still be in somebody's hands. */
	forget: async (world: World, n: number) => {
		world.close(idAt(world, n), 'cancelled');
		world.project();
		await world.sweep();
	},
	wait: (world: World, n: number) => world.advance(n * 1000),
	/** Somebody sets the clock of one machine, by up to an hour. */
	setClock: async (world: World, n: number) =>
		world.machines[n % world.machines.length]?.setClock((n - 8) * 450_000),
	fill: async (world: World, n: number) => world.machines[n % world.machines.length]?.fill(true),
	free: async (world: World, n: number) => world.machines[n % world.machines.length]?.fill(false),
	/** The store of the first machine is copied to the second, where there is one. */
	copyStore: async (world: World) => {
		const [first, second] = world.machines;
		if (first) second?.copyFrom(first);
	},
	/** A suspended machine: its wall clock goes on, its monotonic clock does not. */
	suspend: async (world: World, n: number) => {
		world.now += n * 5000;
		for (const { process } of world.machines) process?.clock.jump(n * 5000);
	},
} as const;
type Happening = readonly [keyof typeof happenings, number];

const weights: Record<keyof typeof happenings, number> = {
	...{ step: 12, steps: 12, deliver: 10, crash: 5, lose: 2, project: 2, wait: 3 },
	...{
		linkLost: 1,
		callOff: 1,
		cancel: 1,
		expire: 1,
		copy: 1,
		sweep: 1,
		forget: 1,
		stop: 1,
		wipe: 1,
		...{ suspend: 1, setClock: 1, fill: 1, free: 3, copyStore: 1 },
	},
};
const happening: fc.Arbitrary<Happening> = fc.oneof(
	...(Object.keys(weights) as (keyof typeof happenings)[]).map((what) => ({
		weight: weights[what],
		arbitrary: fc.nat(15).map((n): Happening => [what, n]),
	})),
);

function idAt(world: World, n: number): string {
	return [...world.commands.keys()][n % world.commands.size] ?? '';
}

/** Nothing breaks any more: what the broker still has is delivered until the centre knows how all of them ended. */
async function settle(world: World): Promise<void> {
	for (const machine of world.machines) {
		machine.crash(0);
		machine.fill(false);
	}
	for (let round = 0; round < 20; round++) {
		await world.goOn();
		world.project();
		if ([...world.commands.keys()].every((id) => world.isSettled(id))) return;
		for (const message of world.messages) {
			if (message.isAcked) continue;
			for (const { process } of world.machines) world.deliver(message, process);
		}
		for (let second = 0; second < 10; second++) {
			await world.goOn();
			await world.advance(1000);
		}
	}
}

/** What must hold of each command at the end. */
function check(id: string, told: Told, machines: number): void {
	const { spec, starts, wipes, isCalledOff, ledger } = told;
	const state = ledger?.state;
	// What only a lost disk knew may stay unknown: then the centre calls it lost.
	if (wipes === 0) expect(state, `${id} is settled`).toSatisfy(isSettled);
	// A lost disk takes its count with it.
	expect(starts.length, `starts of ${id}`).toBeLessThanOrEqual(spec.attempts + wipes * (spec.attempts - 1));
	if (state === 'expired' || (state === 'cancelled' && !isCalledOff))
		expect(starts, `${id} never ran`).toEqual([]);
	if (state === 'succeeded') expect(starts.some(({ hasEnded }) => hasEnded)).toBe(true);
	const isGivenUp = isCalledOff || state === 'expired' || state === 'cancelled';
	if (spec.onInterrupt === 'rerun' && !isGivenUp && wipes === 0 && machines === 1 && starts.length === 0) {
		// Each start was written down, and a crash came before it.
		expect(ledger).toMatchObject({ state: 'interrupted', fault: { code: 'attemptsExhausted' } });
		expect(ledger?.attempts.at(-1)?.attempt).toBe(spec.attempts);
	}
}

function isSettled(state: string | undefined): boolean {
	return state !== undefined && !['queued', 'running', 'retrying'].includes(state);
}

test(
	`whatever happens in whatever order, no start is too many and no outcome changes (${fuzz.numRuns} worlds)`,
	async () => {
		const seen = new Map<string, number>();
		await fc.assert(
			fc.asyncProperty(
				fc.array(spec, { minLength: 1, maxLength: 2 }),
				fc.constantFrom(1, 1, 1, 2),
				fc.array(happening, { minLength: 8, maxLength: 40, size: 'max' }),
				async (specs, machines, happened) => {
					const world = new World(specs, machines);
					await world.goOn();
					for (const [what, n] of happened) {
						await happenings[what](world, n);
						assert.deepEqual(world.broken, []);
					}
					await settle(world);
					expect(world.broken).toEqual([]);
					for (const [id, told] of world.commands) {
						check(id, told, machines);
						const how = `${told.ledger?.state} ${told.starts.length}`;
						seen.set(how, (seen.get(how) ?? 0) + 1);
					}
				},
			),
			fuzz,
		);
		// The worlds reach what they are for; one that is tried again does not.
		if (isReplay) return;
		for (const how of ['succeeded 1', 'interrupted 1', 'cancelled 0', 'expired 0', 'succeeded 2']) {
			expect([...seen.keys()]).toContain(how);
		}
	},
	fuzzTimeoutMs,
);
