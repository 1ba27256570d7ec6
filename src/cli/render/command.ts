/**
 * Owns how commands are shown to people: one in full, many as a table, one line when it has ended.
 * Promises that nothing in the view is hidden in the full form, and that text from nodes is neutralised.
 * Pure but for the writing.
 */

import { counted, neutralise, oneLine } from '../../base/text.ts';
import type { AttemptView, CommandView, WhyView } from '../../domain/view.ts';
import { count, printOutput } from './output.ts';
import type { Screen } from './screen.ts';
import { explainState, stateStyle } from './states.ts';
import { printFact, table } from './table.ts';
import { ago, timeWithAgo, took } from './time.ts';

/** `succeeded  ship1.01J…  exit 0 in 1.2s` */
export function endedLine(view: CommandView, screen: Screen): string {
	const facts = [
		howItEnded(view.attempts.at(-1) ?? view.result ?? { exitCode: null, signal: null }),
		took(view.startedAt, view.endedAt) && `in ${took(view.startedAt, view.endedAt)}`,
		view.attempt > 1 ? `after ${view.attempt} attempts` : '',
	];
	const line = `${screen.paint(stateStyle(view.state), view.state)}  ${view.handle}  ${facts.filter(Boolean).join(' ')}`;
	const why = view.fault ? oneLine(view.fault.message) : (closedText(view) ?? explainState(view) ?? '');
	return why === '' ? line.trimEnd() : `${line.trimEnd()}  (${why})`;
}

function howItEnded({ exitCode, signal }: { exitCode: number | null; signal: string | null }): string {
	if (signal !== null) return `signal ${oneLine(signal)}`;
	return exitCode === null ? '' : `exit ${exitCode}`;
}

function closedText({ closed }: CommandView): string | undefined {
	return closed ? `${oneLine(closed.reason)}, by ${oneLine(closed.actor)}` : undefined;
}

export function commandTable(views: readonly CommandView[], screen: Screen, nowMs: number): string {
	return table(
		views,
		[
			{ title: 'STATE', cell: ({ state }) => state, style: ({ state }) => stateStyle(state) },
			{ title: 'HANDLE', cell: ({ handle }) => handle },
			{ title: 'METHOD', cell: ({ method }) => method, shrinks: true },
			{ title: 'LANE', cell: ({ lane }) => lane },
			{ title: 'QUEUED', cell: ({ queuedAt }) => (queuedAt ? ago(queuedAt, nowMs) : '-') },
			{ title: 'STARTED', cell: ({ startedAt }) => (startedAt ? ago(startedAt, nowMs) : '-') },
			{ title: 'NOTE', cell: (view) => note(view, nowMs), shrinks: true },
		],
		screen,
	);
}

/** What is worth knowing beside its state, in a few words. */
export function note(view: CommandView, nowMs: number): string {
	if (view.signature === 'broken') return signatureTexts.broken;
	if (view.fault) return oneLine(view.fault.message);
	const closed = closedText(view);
	if (closed) return closed;
	if (view.nextAttemptAt) return `attempt ${view.attempt + 1} ${ago(view.nextAttemptAt, nowMs)}`;
	if (view.endedAt)
		return howItEnded(view.attempts.at(-1) ?? view.result ?? { exitCode: null, signal: null });
	if (view.state === 'scheduled' && view.notBefore) return `due ${ago(view.notBefore, nowMs)}`;
	if (!view.startedAt && view.deadline) return `to start ${ago(view.deadline, nowMs)} at the latest`;
	return '';
}

/** Everything that is known of a command. */
/** @param raw Its output as it was, bytes included. */
export function printCommand(screen: Screen, view: CommandView, nowMs: number, raw = false): void {
	const row = (name: string, text: string | null | undefined | false) => printFact(screen, name, text);
	const time = (text: string | null) => text && timeWithAgo(text, nowMs);
	const { state } = view;
	screen.line(`${screen.paint('bold', view.handle)}  ${screen.paint(stateStyle(state), state)}`);
	row('means', explainState(view));
	row('method', `${view.method} (${view.kind}) on lane ${view.lane}, from ${view.sender}`);
	row('queued', time(view.queuedAt));
	row('due', time(view.notBefore));
	if (!view.startedAt && !view.endedAt && state !== 'scheduled')
		row('deadline', view.deadline ? time(view.deadline) : 'none');
	row('started', time(view.startedAt));
	for (const attempt of view.attempts) row(`attempt ${attempt.attempt}`, attemptText(attempt));
	row('next', time(view.nextAttemptAt));
	row('ended', time(view.endedAt));
	row('closed', closedText(view));
	row('signed', view.signature && signatureTexts[view.signature]);
	row('made', view.lineage && `as a ${view.lineage.kind} of ${view.lineage.of}`);
	row('schedule', view.schedule && scheduleText(view.schedule));
	row('fault', view.fault && `${oneLine(view.fault.code)}: ${oneLine(view.fault.message)}`);
	for (const late of view.late) row('late', `${late.event} at ${late.at}, after it was ${state}`);
	const { result } = view;
	if (!result) return;
	if (result.value !== undefined) row('value', neutralise(JSON.stringify(result.value)));
	for (const name of ['stdout', 'stderr'] as const) {
		const output = result[name];
		if (!output) continue;
		row(
			name,
			`${counted(output.bytes, 'byte')}${output.cut > 0 ? `, ${count(output.cut)} of them not kept` : ''}`,
		);
		printOutput(screen, output, raw);
	}
}

const signatureTexts = {
	held: 'its node signed what it states, and that holds',
	broken: 'the signature of what its node states does not hold: somebody else may have said it',
	none: 'its node did not sign what it states',
} as const satisfies Record<NonNullable<CommandView['signature']>, string>;

/** One sentence, and what is worth knowing beside it. */
export function printWhy(screen: Screen, why: WhyView): void {
	screen.line(`${screen.paint('bold', why.handle)}  ${screen.paint(stateStyle(why.state), why.state)}`);
	screen.line(`  ${oneLine(why.sentence)}`);
	for (const note of why.notes) screen.line(screen.paint('dim', `  ${oneLine(note)}`));
}

/** Each state that it went through: when, by whom, why. */
export function printHistory(screen: Screen, view: CommandView, nowMs: number): void {
	screen.line(screen.paint('dim', '  history'));
	for (const { state, at, by, note, late } of view.history) {
		const facts = [`by ${oneLine(by)}`, oneLine(note), late ? 'late: it changed nothing' : ''].filter(
			Boolean,
		);
		screen.line(
			`    ${at}  ${screen.paint(stateStyle(state), state.padEnd(11))} ${facts.join('; ')}  (${ago(at, nowMs)})`,
		);
	}
}

function attemptText(attempt: AttemptView): string {
	const duration = took(attempt.startedAt, attempt.endedAt);
	const facts = [
		attempt.outcome ?? 'runs, or nobody heard how it ended',
		howItEnded(attempt),
		duration && `in ${duration}`,
		attempt.fault ? `(${oneLine(attempt.fault.message)})` : '',
	];
	return facts.filter(Boolean).join(' ');
}

function scheduleText({ name, tick, version }: NonNullable<CommandView['schedule']>): string {
	return `${name}, ${tick === null ? 'run now' : `tick ${tick}`}, version ${version}`;
}
