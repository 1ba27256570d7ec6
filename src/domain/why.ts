/**
 * Owns the one answer to "why is this command where it is?", out of facts that others gathered.
 * Promises that the cause which holds everything else up is named first, that nothing is said which the facts do not say,
 * and that what is old or unknown is called so. Pure.
 */

import { formatDuration } from '../base/duration.ts';
import type { CommandView, NodeView, Presence, WhyView } from './view.ts';
import { awayText, elapsed, exitText, lowered, relative } from './why-words.ts';

export type WhyFacts = {
	readonly command: CommandView;
	/** The last words of its node; undefined when nobody ever heard of it. */
	readonly node: NodeView | undefined;
	readonly presence: Presence;
	/** Where it stands on its lane; null when it is not there. What runs is first, and counts. */
	readonly place: { readonly position: number; readonly of: number; readonly first: string | null } | null;
	/** Who asked its node to call it off, where it has not ended. */
	readonly cancelAsked: {
		readonly by: string;
		readonly reason: string;
		readonly at: string;
		/** The node has taken the wish. */
		readonly isTaken: boolean;
	} | null;
	/** Server time, milliseconds since the epoch. */
	readonly now: number;
};

type Cause = Pick<WhyView, 'cause' | 'sentence'> & Partial<Pick<WhyView, 'since' | 'until'>>;

/** A clock that is further off is worth a word, and a state that is younger by so much tells of what came before. */
const noticeableMs = 2000;

export function explain(facts: WhyFacts): WhyView {
	const { command } = facts;
	const { since = null, until = null, ...cause } = causeOf(facts);
	return { handle: command.handle, state: command.state, ...cause, since, until, notes: notesOf(facts) };
}

function causeOf(facts: WhyFacts): Cause {
	switch (facts.command.state) {
		case 'running':
			return ofRunning(facts);
		case 'retrying':
			return ofRetrying(facts);
		case 'scheduled':
			return ofScheduled(facts);
		case 'queued':
		case 'waiting':
		case 'accepted':
			return ofWaiting(facts);
		default:
			return ofEnded(facts);
	}
}

function ofEnded({ command }: WhyFacts): Cause {
	const { state, fault, closed, endedAt: since } = command;
	const attempt = command.attempts.at(-1);
	const at = since ? ` at ${since}` : '';
	const by = closed ? `: ${closed.reason} (by ${closed.actor})` : '';
	const told = fault ? `: ${fault.message}` : '';
	const exit = attempt?.signal ? ` with signal ${attempt.signal}` : exitText(attempt?.exitCode);
	switch (state) {
		case 'rejected':
			return {
				cause: 'refused',
				since,
				sentence: `It was refused${at}${told || by}; ${beforeText(command)}.`,
			};
		case 'cancelled': {
			const when = command.startedAt ? 'while it ran' : 'before it started: it certainly never ran';
			return { cause: 'cancelled', since, sentence: `It was cancelled${at} ${when}${by}.` };
		}
		case 'expired': {
			const deadline = command.deadline ? ` (${command.deadline})` : '';
			return {
				cause: 'expired',
				since,
				sentence: `Its latest start${deadline} passed: it certainly never started.`,
			};
		}
		case 'lost':
			return {
				...{ cause: 'lost', since },
				sentence: `It started at ${command.startedAt}, and then ${command.node} said nothing of it for longer than its patience: it may have run.`,
			};
		case 'interrupted':
			return { cause: 'interrupted', since, sentence: `It started, and its outcome is unknown${told}.` };
		case 'timedOut':
			return {
				cause: 'timedOut',
				since,
				sentence: `It ran for longer than it may, and was ended${at}${told}.`,
			};
		default:
			return { cause: 'ended', since, sentence: `It ${state}${exit}${at}${told}.` };
	}
}

/** What ran of it before it was refused: its method may be gone only for a later attempt. */
function beforeText({ attempts, attempt }: CommandView): string {
	if (attempts.length === 0) return 'nothing ran';
	const last = attempts.at(-1);
	const how = last?.outcome ? ` (${last.outcome}${exitText(last.exitCode)})` : '';
	return `it had run ${attempt === 1 ? 'once' : `${attempt} times`} before${how}`;
}

function ofRunning(facts: WhyFacts): Cause {
	const { command, node, presence, cancelAsked } = facts;
	const { startedAt: since } = command;
	if (node?.unreported.includes(command.handle)) {
		const sentence = `It has ended on ${command.node}: its result is recorded there, and has not been reported yet.`;
		return { cause: 'unreported', since, sentence };
	}
	const isThere = presence.status === 'present';
	const isIdle = isThere && hasSaidSince(facts) && !runOf(node, command.handle);
	const ran = isIdle
		? `It was started at ${since}, and ${command.node} does not run it now`
		: isThere
			? `It ${ranText(facts, command.handle)}`
			: `It was started at ${since}, and ${awayText(command.node, presence, facts.now)}`;
	if (cancelAsked) {
		const asked = `${cancelAsked.by} asked for its end at ${cancelAsked.at} (${cancelAsked.reason})`;
		const answer = cancelAsked.isTaken ? 'knows of it' : 'has not answered yet';
		return {
			cause: 'cancelAsked',
			since: cancelAsked.at,
			sentence: `${ran}; ${asked}, and ${command.node} ${answer}.`,
		};
	}
	if (!isThere) {
		return {
			cause: 'nodeAway',
			since,
			sentence: `${ran}: what became of it comes when ${command.node} is back.`,
		};
	}
	if (!isIdle) return { cause: 'running', since, sentence: `${ran}.` };
	const pause = pauseText(facts);
	if (pause) return { ...pause, sentence: `${ran}; ${lowered(pause.sentence)}` };
	return { cause: 'handedBack', since, sentence: `${ran}: it is handed over once more.` };
}

function runOf(node: NodeView | undefined, handle: string): NodeView['running'][number] | undefined {
	return node?.running.find((run) => run.handle === handle);
}

/** The node has told its state since the last start: what it does not name there, it does not run. */
function hasSaidSince({ node, command }: WhyFacts): boolean {
	const started = Date.parse(command.attempts.at(-1)?.startedAt ?? command.startedAt ?? '');
	return Date.parse(node?.lastSeenAt ?? '') > started + noticeableMs;
}

/** `has run for 3m of 10m (attempt 1)`, as far as the node or the ledger says. */
function ranText({ node, command, now }: WhyFacts, handle: string): string {
	const run = runOf(node, handle);
	const attempt = run?.attempt ?? command.attempt;
	const since = run?.startedAt ?? command.attempts.at(-1)?.startedAt ?? command.startedAt;
	const runForMs = run?.runForMs ?? (handle === command.handle ? command.runForMs : null);
	const longest = runForMs ? ` of ${formatDuration(runForMs)}` : '';
	if (!since) return 'was claimed, and has not said when it began';
	return `has run for ${elapsed(since, now)}${longest} (attempt ${attempt})`;
}

function ofRetrying(facts: WhyFacts): Cause {
	const { command, presence, now } = facts;
	const last = command.attempts.at(-1);
	const until = command.nextAttemptAt;
	const failed = `Attempt ${last?.attempt ?? 0} ${last?.outcome ?? 'failed'}${exitText(last?.exitCode)}${last?.fault ? `: ${last.fault.message}` : ''}`;
	const pause = pauseText(facts);
	if (pause && until && Date.parse(until) <= now) {
		return { ...pause, sentence: `${failed}; the next one is due, and ${lowered(pause.sentence)}` };
	}
	const next = until ? `the next one is due at ${until} (${relative(until, now)})` : 'the next one is due';
	const away = presence.status === 'present' ? '' : `; ${awayText(command.node, presence, now)}`;
	return { cause: 'retrying', since: last?.endedAt ?? null, until, sentence: `${failed}; ${next}${away}.` };
}

/** A centre queues it when its time has come. */
function ofScheduled({ command, presence, now }: WhyFacts): Cause {
	const { notBefore: until } = command;
	if (until === null || Date.parse(until) > now) {
		const when = until === null ? '' : `: ${until} (${relative(until, now)})`;
		return { cause: 'scheduled', until, sentence: `It waits for its time${when}.` };
	}
	const since = presence.since === null ? 'watches' : `since ${presence.since}`;
	const centre =
		presence.status === 'unknown'
			? `a centre queues it, and there is no centre ${since}`
			: 'a centre queues it now';
	return {
		cause: 'due',
		since: until,
		sentence: `Its time was ${until} (${relative(until, now)}): ${centre}.`,
	};
}

/** What must be so before it can start, in the order in which one holds up the others. */
function ofWaiting(facts: WhyFacts): Cause {
	const { command, node, presence, now } = facts;
	const { node: name, lane } = command;
	if (!node || presence.status === 'never') {
		return {
			cause: 'neverSeen',
			sentence: `${name} was never seen: nobody has started a node of that name yet.`,
		};
	}
	if (presence.status !== 'present') {
		const cause = presence.status === 'absent' ? 'nodeAway' : 'unknown';
		const sentence = `${awayText(name, presence, now)}; it starts when ${name} is there.`;
		return { cause, since: presence.since, sentence };
	}
	if (node.conflict) {
		const sentence = `${node.conflict.machines.length} machines use the name ${name}: stop one of them, or neither is sure what the other runs.`;
		return { cause: 'nameUsedTwice', since: node.conflict.noticedAt, sentence };
	}
	const taken = node.lanes.find((one) => one.lane === lane);
	if (!taken) {
		const sentence = `${name} takes nothing from the lane ${lane}: it is not switched on there (node.lanes.${lane}).`;
		return { cause: 'noSuchLane', sentence };
	}
	const paused = pauseText(facts);
	if (paused) return paused;
	if (taken.status === 'stopped')
		return { cause: 'stopping', sentence: `${name} is stopping, and takes nothing more.` };
	if (taken.status === 'waiting') {
		const sentence = `The lane ${lane} of ${name} has no consumer: a centre makes it when it hears of the node.`;
		return { cause: 'noConsumer', sentence };
	}
	if (node.clockOffsetMs === null && command.deadline !== null) {
		const sentence = `${name} does not know the broker's time yet, and a command with a deadline waits for that.`;
		return { cause: 'clockUnknown', sentence };
	}
	return ofQueue(facts);
}

function pauseText({ command, node }: WhyFacts): Cause | undefined {
	const { lane, method, node: name } = command;
	const stopped = node?.stopped.find((one) => one.method === method);
	if (stopped) {
		const sentence = `The method ${method} was stopped on ${name} by ${stopped.by} at ${stopped.since}: ${stopped.reason}.`;
		return { cause: 'methodStopped', since: stopped.since, sentence };
	}
	const pause = node?.lanes.find((one) => one.lane === lane)?.pause;
	if (!pause) return undefined;
	const done = pause.kind === 'drain' ? 'is drained' : 'is paused';
	const sentence = `The lane ${lane} of ${name} ${done} by ${pause.by} since ${pause.since}: ${pause.reason}.`;
	return { cause: pause.kind === 'drain' ? 'drained' : 'lanePaused', since: pause.since, sentence };
}

function ofQueue(facts: WhyFacts): Cause {
	const { command, node, place } = facts;
	const running = node?.running.filter(({ lane }) => lane === command.lane) ?? [];
	const [first] = running;
	const position = place
		? `It is number ${place.position} of ${place.of} on the lane ${command.lane}`
		: 'It waits';
	if (first) {
		const more = running.length > 1 ? ` (and ${running.length - 1} more run)` : '';
		return {
			cause: 'behind',
			sentence: `${position}, behind ${first.handle}, which ${ranText(facts, first.handle)}${more}.`,
		};
	}
	if (place && place.position > 1) {
		const sentence = `${position}${place.first ? `, behind ${place.first}` : ''}; nothing runs there at this moment.`;
		return { cause: 'behind', sentence };
	}
	return {
		cause: 'next',
		sentence: `It is next on the lane ${command.lane} of ${command.node}, and is handed over now.`,
	};
}

/** What is worth knowing beside the cause. */
function notesOf(facts: WhyFacts): string[] {
	const { command, node, now } = facts;
	const isOpen = command.endedAt === null;
	const notes: string[] = [];
	if (command.state === 'queued' && command.deadline) {
		notes.push(
			`it expires at ${command.deadline} (${relative(command.deadline, now)}) if it has not started by then`,
		);
	}
	const offset = node?.clockOffsetMs ?? 0;
	if (isOpen && Math.abs(offset) > noticeableMs) {
		const way = offset > 0 ? 'behind' : 'ahead of';
		notes.push(
			`${command.node}'s clock is ${formatDuration(Math.abs(offset))} ${way} the broker's; deadlines count in the broker's time`,
		);
	}
	for (const { event, at } of command.late) notes.push(`too late to count: ${event} at ${at}`);
	if (command.lineage) notes.push(`it was made as a ${command.lineage.kind} of ${command.lineage.of}`);
	return notes;
}
