/**
 * Owns an intake in memory for tests of the ways in: what was accepted, in order, and the progress of each source.
 * Promises all or none for each call, as the real one does, and to fail where a test says so.
 * Survives the "crash" of whoever uses it, which is what the outbox on disk does.
 */

import type { Accepted, Intake, IntakeItem } from '../../src/node/intake/intake.ts';

export class MemoryIntake implements Intake {
	readonly items: IntakeItem[] = [];
	readonly progressOf = new Map<string, string>();
	/** Called before a call takes effect; what it throws, the call throws. */
	before: (items: readonly IntakeItem[], call: number) => void | Promise<void> = () => undefined;
	/** Called after a call took effect: the caller does not hear of the success if it throws. */
	after: (items: readonly IntakeItem[], call: number) => void | Promise<void> = () => undefined;
	calls = 0;

	get ids(): string[] {
		return this.items.map((item) => item.id);
	}

	/** The data of what was accepted, in order. */
	get data(): unknown[] {
		return this.items.map((item) => item.message.data);
	}

	async accept(
		items: readonly IntakeItem[],
		progress?: { key: string; value: string | null },
	): Promise<readonly Accepted[]> {
		this.calls += 1;
		const call = this.calls;
		await this.before(items, call);
		this.items.push(...items);
		if (progress?.value === null) this.progressOf.delete(progress.key);
		else if (progress) this.progressOf.set(progress.key, progress.value);
		await this.after(items, call);
		return items.map(({ id, message }) => ({
			id,
			nodes: 'nodes' in message.target ? message.target.nodes : [],
		}));
	}

	progress(key: string): string | undefined {
		return this.progressOf.get(key);
	}
}
