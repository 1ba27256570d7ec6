/**
 * Owns what one would have typed instead: the command line for what the page shows or is about to do.
 * Promises that a POSIX shell takes it as it stands, and that it means the same form.
 * Pure.
 */

import type { CommandView } from '../../../domain/view-schema.ts';
import { isRecord } from '../form/json.ts';
import { joinWords } from '../form/words.ts';
import type { Form } from '../send/draft.ts';

/** Fields of a message that are an option of the same meaning, as text. */
const options = {
	id: '--id',
	lane: '--lane',
	deliverWithin: '--deliver-within',
	runFor: '--run-for',
	attempts: '--attempts',
	onInterrupt: '--on-interrupt',
	patience: '--patience',
	whenAbsent: '--when-absent',
} as const;

/** `steward send …` for a message in its JSON form. */
export function sendLine(form: Form): string {
	const isEvent = form.kind === 'event' || form.commandOrEvent === 'event';
	const words: string[] = ['steward', 'send'];
	if (isRecord(form.where)) words.push('--where', pairs(form.where));
	else words.push(Array.isArray(form.toNodes) ? form.toNodes.join(',') : String(form.toNode ?? ''));
	words.push(String(form.method ?? ''), ...(isEvent ? ['--event'] : []));
	if (form.notBefore !== undefined) {
		words.push('--at', String(form.notBefore), '--time-zone', String(form.timeZone ?? 'UTC'));
	}
	return joinWords([...words, ...policyWords(form), ...dataWords(form.data)]);
}

/** Options and data of the message of a schedule, or of one that is sent. */
function policyWords(form: Form): string[] {
	const plain = Object.entries(options).flatMap(([field, option]) =>
		form[field] === undefined ? [] : [option, String(form[field])],
	);
	if (form.backoff === undefined) return plain;
	if (!isRecord(form.backoff)) return [...plain, '--backoff', String(form.backoff)];
	const { kind = 'exponential', ...rest } = form.backoff;
	return [
		...plain,
		'--backoff',
		[String(kind), ...(Object.keys(rest).length > 0 ? [pairs(rest)] : [])].join(','),
	];
}

function dataWords(data: unknown): string[] {
	if (data === undefined || data === null) return [];
	const isWords = Array.isArray(data) && data.length > 0 && data.every((one) => typeof one === 'string');
	return isWords ? ['--', ...data] : ['--data', JSON.stringify(data)];
}

function pairs(record: Form): string {
	return Object.entries(record)
		.map(([key, value]) => `${key}=${value}`)
		.join(',');
}

/** `steward schedules add …`; a form that options cannot say is read from stdin. */
export function scheduleLine(form: Form): string {
	return `steward schedules add --file - <<'END'\n${JSON.stringify(form, null, 2)}\nEND`;
}

/** What one may type about a command, with what it does. */
export function linesAbout(
	{ handle, kind }: Pick<CommandView, 'handle' | 'kind'>,
	{ ended, form }: { readonly ended: boolean; readonly form: Form | undefined },
): readonly { readonly what: string; readonly line: string }[] {
	const about = (verb: string) => joinWords(['steward', ...verb.split(' '), handle]);
	return [
		...(form ? [{ what: 'Send it again', line: sendLine(form) }] : []),
		{ what: 'Show it', line: about('show --history') },
		...(kind === 'event' ? [] : [{ what: 'Why', line: about('why') }]),
		...(kind === 'event' ? [] : [{ what: 'Its output', line: about('logs --follow') }]),
		...(kind === 'event'
			? []
			: [ended ? { what: 'Retry', line: about('retry') } : { what: 'Cancel', line: about('cancel') }]),
	];
}
