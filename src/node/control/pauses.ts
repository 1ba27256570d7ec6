/**
 * Owns what this node does not take for now: lanes that are paused or drained, and methods that are stopped, by whom and why.
 * Promises that what an operator paused or stopped lasts over restarts, and that a lane whose next command is for a stopped
 * method is blocked with it, so that its order is kept. A crash leaves what was on disk; a wish that was not there comes again.
 */

import type { Clock } from '../../base/clock.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import { cutText } from '../../base/text.ts';
import { longestAuthor, longestReason, type PausableLane, pausableLanes } from '../../domain/control.ts';
import { commandLanes, type Lane } from '../../domain/names.ts';
import type { Pause } from '../../domain/node-state.ts';
import type { Store } from '../store/store.ts';

export type Author = { readonly by: string; readonly reason: string };

/** What is on disk: the wishes of operators. Drains and what the node itself stopped end with the process. */
type Kept = {
	readonly lanes: Readonly<Record<string, Pause>>;
	readonly methods: Readonly<Record<string, Pause>>;
};

/** A lane whose next command is for a stopped method. `isProbing`: it is looked whether that command is still the next. */
type Block = { readonly method: string; readonly pause: Pause; isProbing: boolean; cancelProbe: () => void };

export type PausesOptions = {
	store: Store;
	/** Server time as far as it is known, milliseconds since the epoch. */
	now: () => number;
	clock: Pick<Clock, 'after'>;
};

/** The command that blocks a lane may be cancelled or expire: it is asked for again after this time. */
const probeMs = 10_000;

export class Pauses implements Service {
	readonly name = 'pauses';
	readonly #options: PausesOptions;
	readonly #lifecycle: Lifecycle;
	readonly #onChange: (() => void)[] = [];
	readonly #onProbe: (() => void)[] = [];
	readonly #paused = new Map<string, Pause>();
	readonly #stopped = new Map<string, Pause>();
	readonly #drained = new Map<string, Pause>();
	/** Methods that the node itself stopped. */
	readonly #brokenDown = new Map<string, Pause>();
	readonly #blocked = new Map<Lane, Block>();
	/** Nothing more may be started at all, for a reason of the node's own. */
	#held: Pause | undefined;

	constructor(options: PausesOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				const kept = options.store.get<Kept>('meta', 'pauses');
				for (const [lane, pause] of Object.entries(kept?.lanes ?? {})) this.#paused.set(lane, bounded(pause));
				for (const [method, pause] of Object.entries(kept?.methods ?? {}))
					this.#stopped.set(method, bounded(pause));
			},
			async () => {
				for (const lane of [...this.#blocked.keys()]) this.#unblock(lane);
				for (const one of [this.#paused, this.#stopped, this.#drained, this.#brokenDown]) one.clear();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Called after each change. */
	onChange(listener: () => void): void {
		this.#onChange.push(listener);
	}

	/** Called when a blocked lane may look again what its next command is. */
	onProbe(listener: () => void): void {
		this.#onProbe.push(listener);
	}

	/** Why nothing starts on this lane now. */
	laneOf(lane: Lane): Pause | undefined {
		return this.#wishOf(lane) ?? this.#heldOn(lane) ?? this.#blocked.get(lane)?.pause;
	}

	/** Whether the lane takes what comes; a blocked one does so from time to time. */
	takes(lane: Lane): boolean {
		if (this.#wishOf(lane) || this.#heldOn(lane)) return false;
		return this.#blocked.get(lane)?.isProbing ?? true;
	}

	/** Whether the lane only looks what its next command is. */
	isProbing(lane: Lane): boolean {
		return this.#blocked.get(lane)?.isProbing ?? false;
	}

	/** The lane has looked, and nothing is next: the command that blocked it was cancelled, or has expired. */
	nothingNext(lane: Lane): void {
		if (!this.isProbing(lane)) return;
		this.#unblock(lane);
		this.#tell();
	}

	isStopped(method: string): boolean {
		return this.#stopOf(method) !== undefined;
	}

	stoppedMethods(): (Pause & { readonly method: string })[] {
		const methods = new Map([...this.#brokenDown, ...this.#stopped]);
		return [...methods].map(([method, pause]) => ({ ...pause, method }));
	}

	/**
	 * Whether nothing of this method may start on this lane now; a stopped method blocks the lane that it is met on.
	 * @param isLocal It stands beside the lane's own order: it blocks nothing there, and nothing there blocks it.
	 */
	holds(lane: Lane, method: string, isLocal = false): boolean {
		// Nobody could be resumed without the control lane.
		if (lane === 'control') return false;
		const isPaused = this.#wishOf(lane) !== undefined || this.#heldOn(lane) !== undefined;
		if (isLocal) return isPaused || this.isStopped(method);
		if (isPaused) return true;
		const stop = this.#stopOf(method);
		if (stop) {
			this.#block(lane, method, stop);
			return true;
		}
		const block = this.#blocked.get(lane);
		if (!block) return false;
		// It was on its way when the lane was blocked.
		if (!block.isProbing) return true;
		this.#unblock(lane);
		this.#tell();
		return false;
	}

	/** @throws StewardError `storage` */
	pauseLanes(lanes: readonly PausableLane[], author: Author): Promise<void> {
		const pause = this.#pauseOf('pause', author);
		for (const lane of lanes) this.#paused.set(lane, pause);
		return this.#keep();
	}

	/** All lanes, until the node has started again. */
	drain(author: Author): void {
		const pause = this.#pauseOf('drain', author);
		for (const lane of pausableLanes) this.#drained.set(lane, pause);
		this.#tell();
	}

	/** No command starts, until this is called with nothing: nobody can resume what has no room. */
	hold(author: Author | undefined): void {
		this.#held = author && this.#pauseOf('pause', author);
		this.#tell();
	}

	/** @throws StewardError `storage` */
	stopMethod(method: string, author: Author): Promise<void> {
		this.#stopped.set(method, this.#pauseOf('stop', author));
		return this.#keep();
	}

	/** The node's own word: its process broke down too often. Ends with the next start. */
	breakDown(methods: readonly string[], author: Author): void {
		const pause = this.#pauseOf('stop', author);
		for (const method of methods) this.#brokenDown.set(method, pause);
		this.#tell();
	}

	/**
	 * Of these lanes; answers which took nothing. A lane whose next command is for a stopped method is blocked again.
	 * @throws StewardError `storage`
	 */
	async resumeLanes(lanes: readonly PausableLane[]): Promise<readonly PausableLane[]> {
		const resumed = lanes.filter((lane) => this.#wishOf(lane) !== undefined || this.#blocked.has(lane));
		for (const lane of resumed) {
			this.#paused.delete(lane);
			this.#drained.delete(lane);
			this.#unblock(lane);
		}
		await this.#keep();
		return resumed;
	}

	/**
	 * With the lanes that they block; answers which were stopped. `alsoUp` is up again with them: the node's own stop of
	 * these ends, an operator's does not. @throws StewardError `storage`
	 */
	async resumeMethods(
		methods: readonly string[],
		alsoUp: readonly string[] = [],
	): Promise<readonly string[]> {
		const before = this.stoppedMethods().map(({ method }) => method);
		for (const method of methods) this.#stopped.delete(method);
		for (const method of [...methods, ...alsoUp]) this.#brokenDown.delete(method);
		for (const [lane, { method }] of [...this.#blocked]) {
			if (!this.isStopped(method)) this.#unblock(lane);
		}
		await this.#keep();
		return before.filter((method) => !this.isStopped(method));
	}

	/** What somebody asked for. */
	#wishOf(lane: Lane): Pause | undefined {
		return this.#paused.get(lane) ?? this.#drained.get(lane);
	}

	#heldOn(lane: Lane): Pause | undefined {
		return (commandLanes as readonly Lane[]).includes(lane) ? this.#held : undefined;
	}

	#stopOf(method: string): Pause | undefined {
		return this.#stopped.get(method) ?? this.#brokenDown.get(method);
	}

	#pauseOf(kind: Pause['kind'], { by, reason }: Author): Pause {
		return bounded({ kind, by, reason, since: Math.round(this.#options.now()) });
	}

	#block(lane: Lane, method: string, stop: Pause): void {
		const known = this.#blocked.get(lane);
		known?.cancelProbe();
		const reason = `its next command is for ${method}, which is stopped${stop.reason && `: ${stop.reason}`}`;
		const block: Block = {
			method,
			pause: bounded({ ...stop, reason }),
			isProbing: false,
			cancelProbe: () => undefined,
		};
		block.cancelProbe = this.#options.clock.after(probeMs, () => {
			block.isProbing = true;
			for (const listener of this.#onProbe) listener();
		});
		this.#blocked.set(lane, block);
		if (known?.method !== method || known.pause.since !== stop.since) this.#tell();
	}

	#unblock(lane: Lane): void {
		this.#blocked.get(lane)?.cancelProbe();
		this.#blocked.delete(lane);
	}

	/** In effect at once: before it is on disk nothing was answered, and the wish comes again after a crash. */
	async #keep(): Promise<void> {
		const kept: Kept = {
			lanes: Object.fromEntries(this.#paused),
			methods: Object.fromEntries(this.#stopped),
		};
		await this.#options.store.commit((writes) => writes.put('meta', 'pauses', kept));
		this.#tell();
	}

	#tell(): void {
		for (const listener of this.#onChange) listener();
	}
}

/** The state holds each of them, and has to fit one message: a process that breaks down may have said much. */
function bounded(pause: Pause): Pause {
	return {
		...pause,
		by: cutText(pause.by, longestAuthor),
		reason: cutText(pause.reason, longestReason),
	};
}
