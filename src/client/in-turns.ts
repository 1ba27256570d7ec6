/**
 * Owns doing one thing to many: some at a time, the answers in the order asked.
 * Promises that what was under way is over before anything is thrown. {@link inTurns} begins nothing new after a failure;
 * {@link onEach} gives each an outcome of its own, and ends early only where the broker is gone. Keeps nothing.
 */

import { type ErrorCode, isStewardError, messageOf, StewardError } from '../base/errors.ts';
import { formatHandle, type Handle } from '../domain/names.ts';

const atOnce = 64;

/** @throws the first failure, after all that were under way */
export async function inTurns<Item, Answer>(
	items: readonly Item[],
	work: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
	const answers: Answer[] = [];
	for (let from = 0; from < items.length; from += atOnce) {
		const turn = items.slice(from, from + atOnce).map(async (item) => work(item));
		for (const one of await Promise.allSettled(turn)) {
			if (one.status === 'rejected') throw one.reason;
			answers.push(one.value);
		}
	}
	return answers;
}

type Done<Answer> = { readonly handle: string; readonly answer: Answer };
type Failed = { readonly handle: string; readonly code: ErrorCode; readonly message: string };

/**
 * @throws StewardError of a single handle its own; of several the gravest code, after all of them: `details.done` has each
 * handle with its answer, `details.failed` each other one with `code` and `message`, both in the order asked
 */
export async function onEach<Answer>(
	handles: readonly Handle[],
	work: (handle: Handle) => Promise<Answer>,
): Promise<Answer[]> {
	if (handles.length === 1) return inTurns(handles, work);
	const outcomes = await outcomesOf(handles, work);
	const done = outcomes.filter((one): one is Done<Answer> => 'answer' in one);
	const failed = outcomes.filter((one): one is Failed => 'code' in one);
	if (failed.length > 0) throw notAll(done, failed);
	return done.map(({ answer }) => answer);
}

/** What became of each, in the order asked; nothing is thrown. */
export async function outcomesOf<Answer>(
	handles: readonly Handle[],
	work: (handle: Handle) => Promise<Answer>,
): Promise<(Done<Answer> | Failed)[]> {
	const outcomes: (Done<Answer> | Failed)[] = [];
	let silence: string | undefined;
	for (let from = 0; from < handles.length; from += atOnce) {
		const why = silence;
		const turn = await Promise.all(
			handles
				.slice(from, from + atOnce)
				.map((handle) => (why === undefined ? outcomeOf(handle, work) : notTried(handle, why))),
		);
		outcomes.push(...turn);
		for (const one of turn) if ('code' in one && one.code === 'no-broker') silence ??= one.message;
	}
	return outcomes;
}

async function outcomeOf<Answer>(
	asked: Handle,
	work: (handle: Handle) => Promise<Answer>,
): Promise<Done<Answer> | Failed> {
	const handle = formatHandle(asked);
	try {
		return { handle, answer: await work(asked) };
	} catch (error) {
		if (isStewardError(error)) return { handle, code: error.code, message: error.message };
		// What nobody foresaw says nothing of how far it came.
		return { handle, code: 'ambiguous', message: `it may be done or not: ${messageOf(error)}` };
	}
}

function notTried(handle: Handle, why: string): Failed {
	return { handle: formatHandle(handle), code: 'no-broker', message: `not tried: ${why}` };
}

/** What asks for something to be done comes before what only says how things are. */
const gravest: readonly ErrorCode[] = ['no-broker', 'ambiguous', 'schema-newer', 'refused', 'id-conflict'];
/** So many are named in the sentence; the details have them all. */
const named = 3;

function notAll(done: readonly Done<unknown>[], failed: readonly Failed[]): StewardError {
	const codes = failed.map(({ code }) => code);
	const code = gravest.find((one) => codes.includes(one)) ?? codes[0] ?? 'ambiguous';
	const names = failed.slice(0, named).map((one) => `${one.handle} (${one.code})`);
	const more = failed.length > named ? ` and ${failed.length - named} more` : '';
	return new StewardError(
		code,
		`${failed.length} of ${done.length + failed.length} could not be done: ${names.join(', ')}${more}`,
		{ details: { done, failed } },
	);
}
