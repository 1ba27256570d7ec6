/**
 * Owns a world in memory around the command pipeline: a broker, a centre, and machines whose node dies at any step.
 * Promises that nothing happens between two steps, that what a dead process was about to do never happens (what it had sent
 * may still arrive), and that what must never be is written down in `broken` when it is.
 * Holds nothing outside itself; time is the test's.
 */

import { isDeepStrictEqual } from 'node:util';
import { foldClaim, foldReport, type LedgerEntry } from '../../src/domain/ledger.ts';
import { emptyResult } from '../../src/domain/result.ts';
import { isFinal } from '../../src/domain/state.ts';
import type { CentreClaim, Claim, CommandFacts, Report } from '../../src/domain/wire.ts';
import type { Delivery } from '../../src/jetstream/pull.ts';
import type { NextClaim } from '../../src/node/delivery/claim-writer.ts';
import { type Outcome, ProcessDied, type RunInput } from '../../src/node/processes/method.ts';
import type { JournalEntry } from '../../src/node/store/journal.ts';
import { type CommandSpec, deliveryOf } from './pipeline-delivery.ts';
import { Machine } from './pipeline-machine.ts';
import type { NodeProcess } from './pipeline-process.ts';

type Step = { readonly owner: NodeProcess | undefined; readonly go: (isLost: boolean) => void };
type Message = { readonly id: string; readonly seq: number; isAcked: boolean; isGone: boolean };
type Start = { readonly attempt: number; hasEnded: boolean };

/** One command in this world, and what became of it. */
export type Told = {
	readonly spec: CommandSpec;
	readonly starts: Start[];
	isCalledOff: boolean;
	wipes: number;
	/** When the next attempt is due, by the last word of a disk. */
	dueAt: number;
	ledger: LedgerEntry | undefined;
};

/** A request that took longer has timed out at its client, and the broker drops what comes so late. */
const requestMs = 5000;
/** What clocks may be wrong by: readings of the server's are half as old as the longest answer. */
const mostWrongMs = 10_000;
const storedAt = Date.UTC(2026, 0, 1);

export class World {
	now = storedAt;
	readonly broken: string[] = [];
	readonly commands = new Map<string, Told>();
	readonly messages: Message[] = [];
	readonly machines: Machine[];
	readonly #steps: Step[] = [];
	readonly #claims = new Map<string, Claim>();
	/** What the centre has not read yet. */
	#unread: { id: string; claim?: Claim; report?: Report }[] = [];
	/** The final words of each store, without their keys. */
	readonly #finals = new Map<string, unknown>();
	#made = 0;

	constructor(specs: readonly CommandSpec[], machines: number) {
		specs.forEach((spec, index) => {
			const id = String.fromCharCode(97 + index);
			this.commands.set(id, { spec, starts: [], isCalledOff: false, wipes: 0, dueAt: 0, ledger: undefined });
			this.store(id);
		});
		this.machines = Array.from({ length: machines }, (_, index) => new Machine(this, `machine${index}`));
	}

	/** Names for boots and epochs. */
	newName(of: string): string {
		this.#made += 1;
		return `${of}${this.#made}`;
	}

	told(id: string): Told {
		const told = this.commands.get(id);
		if (!told) throw new Error(`no command ${id}`);
		return told;
	}

	/** A message on the stream; a second one of an id is the same command, sent anew. */
	store(id: string): void {
		this.messages.push({ id, seq: this.messages.length + 1, isAcked: false, isGone: false });
	}

	get claims(): ReadonlyMap<string, Claim> {
		return this.#claims;
	}

	factsOf({ id, seq }: { id: string; seq: number }): CommandFacts {
		const { deliverWithinMs } = this.told(id).spec;
		const words = { method: 'm', lane: 'normal', sender: '_operator', digest: `d${id}` } as const;
		return { ...words, seq, queuedAt: storedAt, deliverWithinMs };
	}

	/** Resolves when it is gone past: true, or false where its answer is lost. Never for a dead process. */
	step(owner: NodeProcess): Promise<boolean> {
		return new Promise((resolve) => {
			if (!owner.isDead) this.#steps.push({ owner, go: (isLost) => resolve(!isLost) });
		});
	}

	/** Asks the broker; undefined where no answer comes. It arrives also when whoever sent it is dead. */
	async request<Answer>(owner: NodeProcess, effect: () => Answer): Promise<Answer | undefined> {
		const sentAt = this.now;
		const arrived = await new Promise<{ answer: Answer } | undefined>((resolve) => {
			if (owner.isDead) return;
			const go = (isLost: boolean) =>
				resolve(isLost || this.now - sentAt > requestMs ? undefined : { answer: effect() });
			this.#steps.push({ owner: undefined, go });
		});
		return (await this.step(owner)) ? arrived?.answer : undefined;
	}

	/** Lets one of the waiting steps happen; false where none waits. */
	async go(pick: number, isLost = false): Promise<boolean> {
		const [step] = this.#steps.splice(pick % Math.max(this.#steps.length, 1), 1);
		step?.go(isLost);
		await settled();
		return step !== undefined;
	}

	/** Lets all steps happen that wait, and those that follow. */
	async goOn(most = Number.POSITIVE_INFINITY): Promise<void> {
		await settled();
		for (let count = 0; count < most && (await this.go(0)); count++);
	}

	forget(process: NodeProcess): void {
		const left = this.#steps.filter(({ owner }) => owner !== process);
		this.#steps.splice(0, this.#steps.length, ...left);
	}

	async advance(ms: number): Promise<void> {
		// What is sent on the way has timed out at its end.
		for (const { process } of this.machines) await process?.clock.advance(ms);
		this.now += ms;
	}

	/** The claim that holds. */
	claim(id: string, claim: Claim): Claim {
		const held = this.#claims.get(id);
		if (held) return held;
		this.#claims.set(id, claim);
		this.#unread.push({ id, claim });
		return claim;
	}

	/** The broker has a report: what a store has called final, it calls so for ever. */
	report(id: string, report: Report): void {
		this.#unread.push({ id, report });
		if (report.event === 'started' || report.event === 'retryDue') return;
		const name = `${id} ${report.key.epoch}`;
		const { key, ...words } = report;
		const before = this.#finals.get(name) ?? words;
		this.#finals.set(name, before);
		if (!isDeepStrictEqual(before, words)) this.#break(`another outcome of ${id} is reported`);
	}

	/** The centre claims it closed, and asks the node to abort it where it is too late for that. */
	close(id: string, event: CentreClaim['event']): void {
		const facts = this.factsOf({ id, seq: 1 });
		if (event === 'expired' && this.now <= storedAt + (facts.deliverWithinMs ?? Number.POSITIVE_INFINITY))
			return;
		const actor = { reason: 'closed', actor: 'anna' };
		const claim: CentreClaim = { v: 1, by: 'centre', event, ...actor, at: this.now, facts, envelope: null };
		if (!this.told(id).ledger && this.claim(id, claim) !== claim && event === 'cancelled') this.callOff(id);
	}

	callOff(id: string): void {
		this.told(id).isCalledOff = true;
		for (const machine of this.machines) {
			const { process, disk } = machine;
			process?.callOff(id, storedAt, () => disk === machine.disk && machine.calledOff.add(id));
		}
	}

	/** The centre reads what was stated, and removes what is final from the stream. */
	project(): void {
		for (const { id, claim, report } of this.#unread.splice(0)) {
			const told = this.told(id);
			const handle = { node: 'ship1', id };
			const before = told.ledger;
			if (claim) told.ledger = foldClaim(handle, before, claim);
			if (report) told.ledger = foldReport(handle, told.ledger, report);
			if (before && isFinal(before.state) && told.ledger?.state !== before.state) {
				this.#break(`${id} was ${before.state}, and is ${told.ledger?.state}`);
			}
		}
		for (const message of this.messages) if (this.isSettled(message.id)) message.isGone = true;
	}

	isSettled(id: string): boolean {
		const { ledger } = this.told(id);
		return ledger !== undefined && isFinal(ledger.state);
	}

	/** An hour later the claims of what is final and gone go as well. */
	async sweep(): Promise<void> {
		const waits = (id: string) => this.messages.some((message) => message.id === id && !message.isGone);
		const swept = [...this.#claims.keys()].filter((id) => this.isSettled(id) && !waits(id));
		if (swept.length === 0) return;
		await this.advance(3_600_000);
		for (const id of swept) this.#claims.delete(id);
	}

	deliver(message: Message, process: NodeProcess | undefined): void {
		if (!message.isGone) process?.deliver(this.#delivery(message, process));
	}

	async writeClaim(
		process: NodeProcess,
		id: string,
		next: NextClaim,
		stopping: AbortSignal,
	): Promise<Claim | undefined> {
		while (!stopping.aborted) {
			const claim = await next();
			if (!claim) return undefined;
			const held = await this.request(process, () => this.claim(id, claim));
			if (held) return held;
			await process.clock.sleep(1000, stopping);
		}
		return undefined;
	}

	/** The method: its start is the side effect that is counted. */
	async run(process: NodeProcess, { id, attempt }: RunInput, signal: AbortSignal): Promise<Outcome> {
		const { spec, starts } = this.told(id);
		const entry = process.machine.disk.read<JournalEntry>('journal', id);
		if (entry?.state !== 'started' || entry.attempts.at(-1)?.attempt !== attempt) {
			this.#break(`attempt ${attempt} of ${id} runs, and its start is not on the disk`);
		}
		const claim = this.#claims.get(id);
		if (claim?.event !== 'started') this.#break(`${id} runs, and its claim is ${claim?.by} ${claim?.event}`);
		if (spec.onInterrupt === 'report' && starts.some(({ hasEnded }) => !hasEnded)) {
			this.#break(`${id} is started again, and nobody knows how its last start ended`);
		}
		if (process.machine.calledOff.has(id)) this.#break(`${id} starts after it was called off for certain`);
		if (this.now < this.told(id).dueAt - mostWrongMs) this.#break(`attempt ${attempt} of ${id} is not due`);
		const start: Start = { attempt, hasEnded: false };
		starts.push(start);
		await this.step(process);
		const end = spec.ends[Math.min(attempt, spec.ends.length) - 1] ?? 'succeeds';
		if (end === 'hangs' && !signal.aborted) {
			await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
			await this.step(process);
		}
		start.hasEnded = true;
		if (end === 'succeeds') return { outcome: 'succeeded', result: emptyResult };
		if (end === 'throws') throw new Error('it threw');
		if (end === 'dies') throw new ProcessDied('it died');
		return { outcome: 'failed', result: { ...emptyResult, exitCode: 1 }, fault: null };
	}

	/** What is on a disk as an outcome stays as it is; when an attempt is due is kept. */
	diskChanged(name: string, before: unknown, after: unknown): void {
		if (!name.startsWith('journal ')) return;
		const [old, now] = [before as JournalEntry | undefined, after as JournalEntry | undefined];
		if (now?.state === 'retrying') this.told(now.id).dueAt = now.nextAttemptAt ?? 0;
		if (old?.final && !isDeepStrictEqual([old.final, old.attempts], [now?.final, now?.attempts])) {
			this.#break(`the recorded outcome of ${name} is overwritten`);
		}
	}

	#delivery(message: Message, process: NodeProcess): Delivery {
		const { id, seq } = message;
		const acked = () => {
			message.isAcked = true;
			return true;
		};
		return deliveryOf(
			this.told(id).spec,
			{ id, seq, storedAt },
			{
				ackAck: async () => {
					this.#mayAck(process, id);
					return (await this.request(process, acked)) ?? false;
				},
				ack: () => this.#break(`${id} is acknowledged without the server's word`),
				term: () => this.#break(`${id} is terminated`),
			},
		);
	}

	#mayAck(process: NodeProcess, id: string): void {
		const entry = process.machine.disk.read<JournalEntry>('journal', id);
		const claim = this.#claims.get(id);
		if (entry?.state === 'finished' || this.isSettled(id)) return;
		if (claim === undefined || claim.event === 'started') {
			this.#break(`${id} is acknowledged, and its outcome is not on the disk`);
		}
	}

	#break(what: string): void {
		this.broken.push(what);
	}
}

/** All microtasks run before the next macrotask. */
function settled(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
