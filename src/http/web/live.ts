/**
 * Owns the page's one live picture of the fleet: loaded once, then kept by the live stream, and the word on how that connection stands.
 * Promises that nothing is missed between the two (the stream continues the position of what was loaded, also after it was cut), that all
 * that comes between two frames of the screen is one change, and that a lost connection says since when and comes back by itself.
 * Dies with the page.
 */

import { batch, signal } from '@preact/signals';
import type { Changes, CommandRow, NodeRow, Totals } from '../../domain/row-schema.ts';
import { ApiError, api } from './api.ts';
import { hearServerTime, serverNow } from './clock.ts';
import { waitBeforeAttempt } from './live/backoff.ts';
import type { ServerEvent } from './live/event-stream.ts';
import { freshPicture, type Picture, type RowsAnswer, withChanges } from './live/picture.ts';
import { readStream, StreamRefused } from './live/stream.ts';
import { loadSession } from './session.ts';

export type Connection = {
	/** `connecting`: for the first time. `lost`: it was there; what is shown is as old as `since` says. */
	readonly state: 'connecting' | 'live' | 'lost';
	/** Of a lost one: from when on nothing is known, milliseconds in server time. */
	readonly since: number;
	/** Of a lost one: what does not answer. Where it is the broker, the server does. */
	readonly gone?: 'server' | 'broker';
	/** Of a lost one: what the server said, where it answered at all. */
	readonly why?: string | undefined;
};

/** Undefined until they are loaded for the first time. */
export const nodes = signal<ReadonlyMap<string, NodeRow> | undefined>(undefined);
export const totals = signal<Totals | undefined>(undefined);
export const connection = signal<Connection>({ state: 'connecting', since: serverNow() });
/** The centre still reads its index: what is shown may lack some. */
export const indexing = signal(false);
/** Counts what was loaded anew because the stream could not be continued: whoever keeps a list loads it again. */
export const reloads = signal(0);

/** What `hello` and `beat` say. */
type Sign = {
	readonly at?: string;
	readonly serverTime?: string;
	readonly broker?: boolean;
	readonly brokerLostAt?: string;
};
type Listener<T> = (changed: readonly T[]) => void;
const commandListeners = new Set<Listener<CommandRow>>();
const scheduleListeners = new Set<Listener<string>>();
const goneListeners = new Set<Listener<string>>();
const deadListeners = new Set<() => void>();

let picture: Picture | undefined;
let pending: Changes[] = [];
/** Of the last event; what is pending belongs to it. */
let position = '';
let heardAt = serverNow();
/** Up to when the server had its broker, as far as it has said. */
let brokerAt = heardAt;
let link: AbortController | undefined;
let running: AbortController | undefined;

/**
 * Rows of commands as they change. Call it before you load a list: what changes in between comes as well. The stream carries
 * commands only while somebody listens. The answer ends it.
 */
export function onCommands(listener: Listener<CommandRow>): () => void {
	commandListeners.add(listener);
	if (commandListeners.size === 1) link?.abort();
	return () => {
		commandListeners.delete(listener);
	};
}

/** Handles of commands that have left the ledger; heard of while somebody listens to commands. */
export function onGone(listener: Listener<string>): () => void {
	goneListeners.add(listener);
	return () => {
		goneListeners.delete(listener);
	};
}

/** Told when the set of dead letters has changed; the stream says so only while somebody listens. */
export function onDead(listener: () => void): () => void {
	deadListeners.add(listener);
	if (deadListeners.size === 1) link?.abort();
	return () => {
		deadListeners.delete(listener);
	};
}

/** Told when all was loaded anew, because the stream could not be continued. */
export function onReload(listener: () => void): () => void {
	const before = reloads.peek();
	return reloads.subscribe((count) => {
		if (count !== before) listener();
	});
}

/** Names of schedules that changed. */
export function onSchedules(listener: Listener<string>): () => void {
	scheduleListeners.add(listener);
	return () => {
		scheduleListeners.delete(listener);
	};
}

/** Idempotent: there is one picture for the page. */
export function startLive(): void {
	if (running) return;
	running = new AbortController();
	follow(running.signal);
}

export function stopLive(): void {
	running?.abort();
	running = undefined;
	link?.abort();
	picture = undefined;
	pending = [];
	batch(() => {
		nodes.value = undefined;
		totals.value = undefined;
		connection.value = { state: 'connecting', since: serverNow() };
	});
}

/** Asks at once instead of after the wait: the operator said so, or the machine is on a network again. */
let hurry: (() => void) | undefined;
export function reconnectNow(): void {
	hurry?.();
}
addEventListener('online', reconnectNow);

async function follow(signal: AbortSignal): Promise<void> {
	for (let attempt = 0; !signal.aborted; ) {
		const heardBefore = heardAt;
		try {
			if (!picture) await load(signal);
			if ((await stream(signal)) === 'switched') continue;
			attempt += 1;
		} catch (error) {
			if (signal.aborted) return;
			if (isSignedOut(error)) return signedOut();
			attempt = heardAt > heardBefore ? 0 : attempt + 1;
			lostBy(error);
		}
		await pause(waitBeforeAttempt(attempt, Math.random()), signal);
	}
}

async function load(signal: AbortSignal): Promise<void> {
	const [rows, counts] = await Promise.all([
		api<RowsAnswer>('/nodes/rows', { signal }),
		api<Totals>('/totals', { signal }),
	]);
	heardAt = serverNow();
	position = rows.position;
	picture = freshPicture(rows, counts, nodes.value);
	batch(() => {
		show();
		indexing.value = rows.indexing;
		reloads.value += 1;
	});
}

/** `switched`: it is to carry something else. `reset`: everything has to be loaded again. @throws what cut it otherwise */
async function stream(signal: AbortSignal): Promise<'switched' | 'reset'> {
	link = new AbortController();
	const own = link;
	const wanted = [commandListeners.size > 0 && 'commands', deadListeners.size > 0 && 'dead'].filter(Boolean);
	const topics = ['nodes', 'schedules', 'totals', ...wanted].join(',');
	try {
		await readStream(`/api/v1/stream?topics=${topics}`, {
			after: position,
			signal: AbortSignal.any([signal, own.signal]),
			onBytes: () => {
				heardAt = serverNow();
			},
			onEvent: take,
		});
	} catch (error) {
		if (signal.aborted || !own.signal.aborted) throw error;
		return picture ? 'switched' : 'reset';
	}
	throw new Error('the server ended the stream');
}

function take({ event, id, data }: ServerEvent): void {
	if (event === 'reset') {
		// What was seen cannot be continued: the picture is loaded anew, and the old one stays on screen until then.
		picture = undefined;
		pending = [];
		link?.abort();
		return;
	}
	if (event === 'changes') {
		const changes = JSON.parse(data) as Changes;
		hearServerTime(changes.at);
		pending.push(changes);
	} else {
		const { at, serverTime, broker, brokerLostAt } = JSON.parse(data) as Sign;
		const time = at ?? serverTime;
		if (time !== undefined) hearServerTime(time);
		// The server is there, but what it knows is as old as its last word from the broker.
		if (broker === false) {
			if (brokerLostAt !== undefined) brokerAt = Date.parse(brokerLostAt);
			lost({ since: brokerAt, gone: 'broker' });
		} else nowLive();
	}
	if (id !== undefined) position = id;
	if (pending.length === 1) requestPaint();
}

function nowLive(): void {
	brokerAt = serverNow();
	if (connection.value.state !== 'live') connection.value = { state: 'live', since: brokerAt };
}

/** At the next frame; a page in the background has no frames, and paints once in a while. */
function requestPaint(): void {
	if (document.hidden) setTimeout(paint, 250);
	else requestAnimationFrame(paint);
}

function paint(): void {
	const steps = pending;
	pending = [];
	if (!picture || steps.length === 0) return;
	picture = withChanges(picture, steps);
	batch(() => {
		show();
		tell(commandListeners, latest(steps.flatMap(({ commands }) => commands)));
		tell(goneListeners, [...new Set(steps.flatMap(({ gone }) => gone?.commands ?? []))]);
		if (steps.some(({ gone }) => gone?.unnamed)) reloads.value += 1;
		if (steps.some(({ dead }) => dead)) for (const listener of deadListeners) listener();
		tell(scheduleListeners, [...new Set(steps.flatMap(({ schedules }) => schedules))]);
	});
}

function show(): void {
	nodes.value = picture?.nodes;
	totals.value = picture?.totals;
}

/** The last row of each command, in the order in which they changed. */
function latest(rows: readonly CommandRow[]): CommandRow[] {
	const of = new Map<string, CommandRow>();
	for (const row of rows) {
		of.delete(row.handle);
		of.set(row.handle, row);
	}
	return [...of.values()];
}

function tell<T>(listeners: ReadonlySet<Listener<T>>, changed: readonly T[]): void {
	if (changed.length > 0) for (const listener of listeners) listener(changed);
}

function lostBy(error: unknown): void {
	const said = error instanceof ApiError && error.code !== 'offline' ? error : undefined;
	lost({
		since: Math.min(heardAt, brokerAt),
		gone: said?.code === 'no-broker' ? 'broker' : 'server',
		...(said ? { why: said.message } : {}),
	});
}

/** What is shown does not become younger because something else went as well. */
function lost(now: Omit<Connection, 'state'>): void {
	const before = connection.value;
	const since = before.state === 'lost' ? Math.min(before.since, now.since) : now.since;
	const isSaid = before.state === 'lost' && before.gone === now.gone && before.why === now.why;
	if (!isSaid || before.since !== since) connection.value = { ...now, state: 'lost', since };
}

function isSignedOut(error: unknown): boolean {
	return (
		(error instanceof StreamRefused && error.status === 401) ||
		(error instanceof ApiError && error.code === 'unauthorized')
	);
}

async function signedOut(): Promise<void> {
	stopLive();
	await loadSession();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(done, ms);
		function done(): void {
			clearTimeout(timer);
			hurry = undefined;
			signal.removeEventListener('abort', done);
			resolve();
		}
		hurry = done;
		signal.addEventListener('abort', done);
	});
}
