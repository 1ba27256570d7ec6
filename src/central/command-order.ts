/**
 * Owns the order in which commands are listed: the newest first, by when they were queued.
 * Promises that a page costs what it shows and what it passes over, never a sort of all there are; many that come at once are merged in once.
 * Soft state: made from what the index tells. It keeps places only; what stands there now is asked of the index.
 */

/** Where a command stands in a list. */
export type Place = { readonly handle: string; readonly queuedAt: number };
type Found<Value> = { readonly queuedAt: number; readonly value: Value };

/** So many are put in one by one; more are merged in together. */
const fewFresh = 64;
/** Places that count no more are swept when they are half of all, and so many. */
const mostStale = 1000;
/** Changes that are left for the next list. */
const mostWaiting = 100_000;

export class CommandOrder<Value> {
	readonly #find: (handle: string) => Found<Value> | undefined;
	/** The oldest first; the same place of both. */
	#handles: string[] = [];
	#times: number[] = [];
	#fresh: Place[] = [];
	#stale = 0;

	/** `find`: what is known of a command now; it is listed in the place that it has there, once. */
	constructor(find: (handle: string) => Found<Value> | undefined) {
		this.#find = find;
	}

	/** It has this place from now on, and `from` no more. */
	move(handle: string, from: number | undefined, to: number | undefined): void {
		if (from === to) return;
		if (from !== undefined) this.#stale += 1;
		if (to !== undefined) this.#fresh.push({ handle, queuedAt: to });
		// Also where nobody asks for a list.
		if (this.#fresh.length + this.#stale > this.#handles.length / 2 + mostWaiting) this.#settle();
	}

	/** All, or those that come after a place in this order; `mayBe` is asked before it is looked up what is known of it. */
	*newestFirst(
		after?: Place,
		mayBe: (handle: string) => boolean = () => true,
	): Generator<Place & { readonly value: Value }> {
		this.#settle();
		let [lastHandle, lastTime] = ['', Number.NaN];
		for (let index = after ? this.#indexOf(after) : this.#handles.length; index-- > 0; ) {
			const { handle, queuedAt } = this.#at(index);
			if (!mayBe(handle)) continue;
			// Gone and come again: it is there twice.
			if (handle === lastHandle && queuedAt === lastTime) continue;
			[lastHandle, lastTime] = [handle, queuedAt];
			const found = this.#find(handle);
			if (found?.queuedAt === queuedAt) yield { handle, queuedAt, value: found.value };
		}
	}

	#at(index: number): Place {
		return { handle: this.#handles[index] ?? '', queuedAt: this.#times[index] ?? 0 };
	}

	#settle(): void {
		const fresh = this.#fresh.sort(oldestFirst);
		this.#fresh = [];
		const isToSweep = this.#stale > this.#handles.length / 2 + mostStale;
		if (fresh.length > fewFresh || isToSweep) return this.#merge(fresh, isToSweep);
		for (const { handle, queuedAt } of fresh) {
			const index = this.#indexOf({ handle, queuedAt });
			this.#handles.splice(index, 0, handle);
			this.#times.splice(index, 0, queuedAt);
		}
	}

	#merge(fresh: readonly Place[], isToSweep: boolean): void {
		const [handles, times]: [string[], number[]] = [[], []];
		const add = (place: Place) => {
			if (isToSweep && this.#find(place.handle)?.queuedAt !== place.queuedAt) return;
			if (handles.at(-1) === place.handle && times.at(-1) === place.queuedAt) return;
			handles.push(place.handle);
			times.push(place.queuedAt);
		};
		let next = 0;
		for (let index = 0; index < this.#handles.length; index++) {
			const place = this.#at(index);
			for (let one = fresh[next]; one && oldestFirst(one, place) < 0; one = fresh[++next]) add(one);
			add(place);
		}
		for (const one of fresh.slice(next)) add(one);
		[this.#handles, this.#times] = [handles, times];
		if (isToSweep) this.#stale = 0;
	}

	/** The first that is no older. */
	#indexOf(place: Place): number {
		let [low, high] = [0, this.#handles.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (oldestFirst(this.#at(middle), place) < 0) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}

/** Of one moment the handles decide. */
function oldestFirst(a: Place, b: Place): number {
	if (a.queuedAt !== b.queuedAt) return a.queuedAt - b.queuedAt;
	return a.handle === b.handle ? 0 : a.handle > b.handle ? -1 : 1;
}
