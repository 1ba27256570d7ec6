/**
 * Owns doing one thing to many: some at a time, the answers in the order asked.
 * Promises that the first failure is thrown after all that were under way are over, and that nothing new begins after it.
 * Keeps nothing.
 */

import { isStewardError, StewardError } from '../base/errors.ts';

const atOnce = 64;

export async function inTurns<Item, Answer>(
	items: readonly Item[],
	work: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
	const answers: Answer[] = [];
	for (let from = 0; from < items.length; from += atOnce) {
		const settled = await Promise.allSettled(items.slice(from, from + atOnce).map(work));
		for (const one of settled) {
			if (one.status === 'rejected') throw failure(one.reason, answers, items.length);
			answers.push(one.value);
		}
	}
	return answers;
}

/** What was done before it must not be lost with the failure. */
function failure(error: unknown, done: readonly unknown[], asked: number): unknown {
	if (done.length === 0 || !isStewardError(error)) return error;
	return new StewardError(error.code, `${error.message}; ${done.length} of ${asked} were done before it`, {
		cause: error,
		details: { ...error.details, done },
	});
}
