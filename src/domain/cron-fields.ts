/**
 * Owns how a cron expression is read: its fields, checked, and the values that each means.
 * Promises that every problem is told with its field, and that a slip of the hand is refused: cron-parser, which turns a field into
 * values, would take `janfeb` for December, `HH` for any two digits, and `5#1.5` for a day that never comes. Pure.
 */

import { CronExpressionParser, type CronFieldCollection } from 'cron-parser';
import { StewardError } from '../base/errors.ts';

/** One letter for each value from 0 on, `x` where it is meant. (50,000 schedules hold these: text is small, and quick to search.) */
type Values = string;

/** What the fields of an expression mean. */
export type CronFields = {
	readonly seconds: Values;
	readonly minutes: Values;
	readonly hours: Values;
	/** Whether real time counts (the hour is a wildcard or has a step), or each local time once. */
	readonly isRealTime: boolean;
	/** From 1 on, as people count. */
	readonly months: Values;
	readonly days: Values;
	/** The last day of the month as well. */
	readonly hasLastDay: boolean;
	/** 0 is Sunday. */
	readonly weekdays: Values;
	/** Of each month the last such weekday. */
	readonly lastWeekdays: Values;
	/** Only the first, second, … such weekday of a month; 0 means all. */
	readonly nthWeekday: number;
	readonly isAnyDay: boolean;
	readonly isAnyWeekday: boolean;
};

export function isMeant(values: Values, value: number): boolean {
	return values[value] === 'x';
}

/** The first value that is meant, from `from` on; -1 where there is none. */
export function firstMeant(values: Values, from = 0): number {
	return values.indexOf('x', from);
}

const namedExpressions =
	/^@(yearly|annually|monthly|weekly|daily|hourly|minutely|secondly|weekdays|weekends)$/;

const number = String.raw`\d{1,2}`;
const numberOrName = String.raw`(?:\d{1,2}|[a-z]{3})`;

/** `*`, a value or a range, each with or without a step; a list of them. */
function listOf(value: string, other = ''): RegExp {
	const item = String.raw`(?:(?:[*?]|${value}(?:-${value})?)(?:/\d+)?${other})`;
	return new RegExp(`^${item}(?:,${item})*$`, 'i');
}

const fieldForms = [
	{ name: 'second', form: listOf(number), size: 60 },
	{ name: 'minute', form: listOf(number), size: 60 },
	{ name: 'hour', form: listOf(number), size: 24 },
	{ name: 'day', form: listOf(number, '|L'), size: 31 },
	{ name: 'month', form: listOf(numberOrName), size: 12 },
	{
		name: 'weekday',
		form: new RegExp(`${listOf(numberOrName, `|${numberOrName}L`).source}|^${numberOrName}#[1-5]$`, 'i'),
		size: 7,
	},
] as const;

/**
 * Reads an expression whose words are separated by one space.
 * @throws StewardError `invalid`: the message tells every problem with its field
 */
export function readCronFields(text: string): CronFields {
	const isNamed = text.startsWith('@');
	const words = text.split(' ');
	if (isNamed ? !namedExpressions.test(text) : words.length !== 5 && words.length !== 6) {
		throw invalid(
			'5 fields (minute hour day month weekday), 6 with seconds before them, or a name such as @daily',
			text,
		);
	}
	const six = words.length === 5 ? ['0', ...words] : words;
	let cause: unknown;
	if (isNamed || problemsOf(six, problemOfForm).length === 0) {
		try {
			return compile(CronExpressionParser.parse(text, { tz: 'UTC' }).fields, words.at(-4) ?? '');
		} catch (error) {
			cause = error;
		}
	}
	const problems = problemsOf(six, problemOfField);
	throw invalid(
		`a cron expression (${problems.length > 0 ? problems.join('; ') : wordsOf(cause)})`,
		text,
		cause,
	);
}

type FieldForm = (typeof fieldForms)[number];

function problemsOf(
	six: readonly string[],
	problemOf: (word: string, field: FieldForm) => string | undefined,
): string[] {
	return fieldForms.flatMap((field, place) => {
		const problem = problemOf(six[place] ?? '', field);
		return problem === undefined ? [] : `${field.name}: ${problem}`;
	});
}

function problemOfForm(word: string, { form, size }: FieldForm): string | undefined {
	if (!form.test(word)) {
		// What it stands for is drawn anew by each parse: a tick would have no name.
		return word.includes('H')
			? 'no H; jitter spreads the nodes'
			: `not a value, range, step or list: "${word.slice(0, 20)}"`;
	}
	const step = [...word.matchAll(/\/(\d+)/g)].map(([, digits]) => Number(digits)).find((one) => one > size);
	return step === undefined ? undefined : `a step of ${step} is more than there are; use "every" instead`;
}

/** What is wrong with its form, or what cron-parser says of this field alone. */
function problemOfField(word: string, field: FieldForm): string | undefined {
	const problem = problemOfForm(word, field);
	if (problem !== undefined) return problem;
	try {
		CronExpressionParser.parse(fieldForms.map((other) => (other === field ? word : '*')).join(' '));
		return undefined;
	} catch (error) {
		return wordsOf(error);
	}
}

function compile(fields: CronFieldCollection, hour: string): CronFields {
	const { dayOfMonth, dayOfWeek } = fields;
	const weekdays = dayOfWeek.values.map(String);
	const hours = valuesOf(fields.hour.values, 24);
	return {
		seconds: valuesOf(fields.second.values, 60),
		minutes: valuesOf(fields.minute.values, 60),
		hours,
		isRealTime: fields.hour.isWildcard || hour.includes('/') || !hours.includes('.'),
		months: valuesOf(fields.month.values, 13),
		days: valuesOf(dayOfMonth.values, 32),
		hasLastDay: dayOfMonth.hasLastChar,
		weekdays: weekdaysOf(weekdays.filter((value) => !value.endsWith('L'))),
		lastWeekdays: weekdaysOf(weekdays.filter((value) => value.endsWith('L'))),
		nthWeekday: dayOfWeek.nthDay,
		isAnyDay: dayOfMonth.isWildcard,
		isAnyWeekday: dayOfWeek.isWildcard,
	};
}

function valuesOf(values: readonly (number | string)[], size: number): Values {
	return Array.from({ length: size }, (_, value) => (values.includes(value) ? 'x' : '.')).join('');
}

/** Sunday is 0 and 7. */
function weekdaysOf(values: readonly string[]): Values {
	return valuesOf(
		values.map((value) => Number.parseInt(value, 10) % 7),
		7,
	);
}

/** The words of cron-parser without its own opening. */
function wordsOf(error: unknown): string {
	const text = error instanceof Error ? error.message : String(error);
	const words = text.replace(
		/^(?:Cron\w+ )?(?:Constraint error|Validation error|Invalid cron expression), /,
		'',
	);
	return words.charAt(0).toLowerCase() + words.slice(1, 200);
}

function invalid(expected: string, got: string, cause?: unknown): StewardError {
	const short = got.length > 80 ? `${got.slice(0, 77)}…` : got;
	return new StewardError('invalid', `expected ${expected}, got "${short}"`, { cause });
}
