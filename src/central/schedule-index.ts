/**
 * Owns what the centre's index knows of schedules: their records, how far each has come, and which of their commands are open.
 * Promises to say what is stored, as far as it has been heard of.
 * Soft state: a restart reads it again.
 */

import type { Progress } from '../domain/progress.ts';
import type { ScheduleRecord } from '../domain/schedule.ts';
import type { Revised, ScheduleEntry } from '../jetstream/schedules.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';

export class ScheduleIndex {
	/** By name; tombstones as well. */
	readonly records = new Map<string, Revised<ScheduleRecord>>();
	readonly progress = new Map<string, Revised<Progress>>();
	/** Those that a newer program wrote: nobody may say that they are not there. */
	readonly unreadable = new Set<string>();
	/** Commands of ticks that are on their stream, by schedule and node. */
	readonly #open = new Map<string, StoredCommand[]>();
	readonly #listeners = new Set<(name: string) => void>();

	/** Called when a record is new or another; the answer takes the listener off. */
	onChange(listener: (name: string) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Those of its commands on a node that have not ended, in the order of the stream. */
	openCommands(name: string, node: string): readonly StoredCommand[] {
		const open = this.#open.get(openKey(name, node)) ?? [];
		return [...open].sort((a, b) => a.facts.seq - b.facts.seq);
	}

	take(entry: ScheduleEntry): void {
		const { name, revision } = entry;
		if (entry.kind === 'progress') {
			if (entry.value) this.progress.set(name, { value: entry.value, revision });
			else this.progress.delete(name);
			return;
		}
		if (entry.value) this.records.set(name, { value: entry.value, revision });
		else this.records.delete(name);
		if (entry.value || entry.gone) this.unreadable.delete(name);
		else this.unreadable.add(name);
		for (const listener of this.#listeners) listener(name);
	}

	addOpen(command: StoredCommand): void {
		const { schedule } = command.facts;
		// What somebody had it run beside its ticks is no tick.
		if (!schedule || schedule.tick === null) return;
		const key = openKey(schedule.name, command.node);
		const open = this.#open.get(key);
		if (!open) return void this.#open.set(key, [command]);
		const place = open.findIndex(({ id }) => id === command.id);
		open[place < 0 ? open.length : place] = command;
	}

	removeOpen({ node, id, facts }: StoredCommand): void {
		if (!facts.schedule) return;
		const key = openKey(facts.schedule.name, node);
		const open = this.#open.get(key);
		const place = open?.findIndex((one) => one.id === id) ?? -1;
		if (place >= 0) open?.splice(place, 1);
		if (open?.length === 0) this.#open.delete(key);
	}

	forgetStored(): void {
		const names = [...this.records.keys()];
		this.records.clear();
		this.progress.clear();
		this.unreadable.clear();
		for (const name of names) for (const listener of this.#listeners) listener(name);
	}

	clear(): void {
		this.forgetStored();
		this.#open.clear();
	}
}

function openKey(name: string, node: string): string {
	return `${name} ${node}`;
}
