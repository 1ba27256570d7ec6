/**
 * Owns several forms that are handed in together: checked all at once, and sent in their order.
 * Promises that none is sent before all are checked, and that a failure says what was sent before it.
 * A crash in the middle leaves some sent: with ids of one's own the same call again completes it.
 */

import { isStewardError, StewardError } from '../base/errors.ts';
import type { MessageForm } from '../domain/message.ts';
import type { Receipt } from '../domain/view.ts';
import type { SendOptions } from './send.ts';

/**
 * What each form means.
 * @throws StewardError `invalid` with the problems of all of them
 */
export function checkForms<Meaning>(
	forms: readonly unknown[],
	parse: (form: unknown) => Meaning,
	consequence: string,
): Meaning[] {
	const problems: string[] = [];
	const meanings: Meaning[] = [];
	for (const [index, form] of forms.entries()) {
		try {
			meanings.push(parse(form));
		} catch (error) {
			const own = isStewardError(error, 'invalid') ? error.details.problems : undefined;
			if (!Array.isArray(own)) throw error;
			problems.push(...own.map((line) => (forms.length > 1 ? `[${index}].${line}` : String(line))));
		}
	}
	if (problems.length === 0) return meanings;
	throw new StewardError(
		'invalid',
		`not valid, ${consequence}:\n${problems.map((line) => `  ${line}`).join('\n')}`,
		{ details: { problems } },
	);
}

/**
 * In order.
 * @param onProgress Of several forms it counts the forms, of one its targets.
 * @throws StewardError as `send`; `details.sent` has the handles of what was sent before
 */
export async function sendForms(
	fleet: { send(form: MessageForm, options?: SendOptions): Promise<Receipt[]> },
	forms: readonly MessageForm[],
	onProgress: NonNullable<SendOptions['onProgress']> = () => undefined,
): Promise<Receipt[]> {
	const receipts: Receipt[] = [];
	const isOne = forms.length === 1;
	for (const [index, form] of forms.entries()) {
		if (!isOne) onProgress(index, forms.length);
		try {
			receipts.push(...(await fleet.send(form, isOne ? { onProgress } : {})));
		} catch (error) {
			if (receipts.length === 0 || !isStewardError(error)) throw error;
			const sent = receipts.map(({ handle }) => handle);
			throw new StewardError(error.code, `${error.message}; sent before it: ${sent.join(', ')}`, {
				cause: error,
				details: { ...error.details, sent: [...sent, ...handlesIn(error.details.sent)] },
			});
		}
	}
	return receipts;
}

function handlesIn(sent: unknown): readonly unknown[] {
	return Array.isArray(sent) ? sent : [];
}
