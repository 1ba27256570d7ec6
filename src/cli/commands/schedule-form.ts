/**
 * Owns the way from the words of a command line, or from a file, to schedules in their JSON form.
 * Promises that words, options and a file say the same things, and that what they contradict each other in is told.
 * Pure but for reading the named file.
 */

import { StewardError } from '../../base/errors.ts';
import type { Cli } from '../cli.ts';
import { withoutUnset } from '../settings.ts';
import { parseYaml } from '../yaml.ts';
import { dashed, numberOr, parsePairs, readForms, readText, type SendOptions } from './send-form.ts';

type PolicyOptions = Pick<
	SendOptions,
	| 'lane'
	| 'deliverWithin'
	| 'runFor'
	| 'attempts'
	| 'backoff'
	| 'onInterrupt'
	| 'patience'
	| 'whenAbsent'
	| 'where'
	| 'data'
>;

export type ScheduleOptions = PolicyOptions & {
	readonly cron?: string;
	readonly every?: string;
	readonly timeZone?: string;
	readonly placement?: string;
	readonly missed?: string;
	readonly overlap?: string;
	readonly jitter?: string;
	readonly startAt?: string;
	readonly endAt?: string;
	readonly paused?: boolean;
	readonly note?: string;
	readonly file?: string;
};

/** Schedules as they were written: unchecked. `ownZone`: nobody named a time zone, so this machine's was written into it. */
export type ScheduleForms = { readonly forms: readonly unknown[]; readonly ownZone: boolean };

/** @param words What was not an option: name, nodes (unless --where), method, data. */
export async function readScheduleForms(
	cli: Cli,
	words: readonly string[],
	options: ScheduleOptions,
): Promise<ScheduleForms> {
	const { file } = options;
	if (file !== undefined) return { forms: await formsFromFile(cli, file, words, options), ownZone: false };
	const [name, ...rest] = words;
	if (name === undefined || rest.length < (options.where === undefined ? 2 : 1)) {
		throw new StewardError(
			'usage',
			"expected a name, a node and a method: steward schedules add nightly ship1 shellCommand --cron '0 3 * * *' -- ./backup (or --where role=tug, or --file)",
		);
	}
	const { cron, every, timeZone, placement, missed, overlap, jitter, startAt, endAt, paused, note, ...send } =
		options;
	const form = {
		name,
		...withoutUnset({ cron, every, timeZone: timeZone ?? cli.timeZone }),
		...(await whatIsSent(cli, rest, send)),
		...withoutUnset({ placement, missed: missed && missedOf(missed), overlap, jitter, startAt, endAt }),
		...withoutUnset({ paused, note }),
	};
	return { forms: [form], ownZone: timeZone === undefined };
}

/** As `send` has it: the target, and the message without it. */
async function whatIsSent(
	cli: Cli,
	words: readonly string[],
	options: PolicyOptions,
): Promise<Record<string, unknown>> {
	const { forms } = await readForms(cli, words, options);
	const { toNode, toNodes, where, commandOrEvent: _, ...message } = forms[0] as Record<string, unknown>;
	return { ...withoutUnset({ toNode, toNodes, where }), message };
}

/** `skip`, `once`, `all`, or `all,max=10,not-older-than=1d`. @throws StewardError `usage` */
function missedOf(text: string): unknown {
	const [policy, ...pairs] = text.split(',').map((part) => part.trim());
	if (policy !== 'all' || pairs.length === 0) return text;
	const { max, 'not-older-than': notOlderThan, ...unknown } = parsePairs('--missed', pairs.join(','));
	return {
		all: {
			...withoutUnset({ max: max === undefined ? undefined : numberOr(max), notOlderThan }),
			...unknown,
		},
	};
}

async function formsFromFile(
	cli: Cli,
	file: string,
	words: readonly string[],
	options: ScheduleOptions,
): Promise<readonly unknown[]> {
	const { file: _, ...beside } = options;
	const extra = [...words, ...Object.keys(withoutUnset(beside)).map((name) => `--${dashed(name)}`)];
	if (extra.length > 0) {
		throw new StewardError(
			'usage',
			`--file ${file}: it says everything by itself (name, cron, toNode, message, …): leave out what is beside --file (${extra.join(' ')})`,
		);
	}
	const source = file === '-' ? 'stdin' : file;
	const parsed = await parseYaml(await readText(cli, file));
	if ('problems' in parsed) {
		throw new StewardError(
			'invalid',
			`${source}: this is neither JSON nor YAML:\n${parsed.problems.map((line) => `  ${line}`).join('\n')}`,
			{ cause: parsed.cause, details: { problems: parsed.problems } },
		);
	}
	const forms: readonly unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
	if (forms.length > 0) return forms;
	throw new StewardError('invalid', `${source}: it holds no schedule`);
}
