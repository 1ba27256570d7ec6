/**
 * Owns how a run is told: as Markdown for people, from the same object that is written as JSON.
 * Promises that every target has its line, met or not, and that what failed or was not measured is said. Pure.
 */

import { judge, ratioOf, summaryOf } from './figures.mjs';
import { targets } from './targets.mjs';
import { sizes, works } from './works.mjs';

/** Three digits, with separators: 11,700, 2.31, 0.086. */
export function digits(value) {
	if (value === undefined) return '-';
	return value.toLocaleString('en', {
		maximumSignificantDigits: Math.max(3, String(Math.floor(value)).length),
	});
}

/** Markdown, numbers to the right. */
export const table = (head, rows) =>
	[head, head.map((_, place) => (place === 0 ? '---' : '---:')), ...rows]
		.map((cells) => `| ${cells.join(' | ')} |`)
		.join('\n');

/** Rounds of a figure, of a tier. */
export function valuesIn(tier) {
	return (work, figure, peer) =>
		(tier[work]?.[peer] ?? []).flatMap(({ figures }) => figures?.[figure] ?? [undefined]);
}

/** @returns Medians with their spread, by tier, work, figure and peer. */
export function summariesOf(tiers) {
	return mapped(tiers, (tier) => {
		const valuesOf = valuesIn(tier);
		return mapped(tier, (byPeer, work) =>
			mapped(works[work].figures, (_, figure) =>
				mapped(byPeer, (__, peer) => summaryOf(valuesOf(work, figure, peer))),
			),
		);
	});
}

const mapped = (object, by) =>
	Object.fromEntries(Object.entries(object).map(([name, value]) => [name, by(value, name)]));

/** @returns The targets with what was reached, of the strict tier. */
export function verdicts({ tiers }) {
	const { strict } = tiers;
	return strict === undefined ? [] : targets.map((target) => judge(target, valuesIn(strict)));
}

/**
 * @param earlier A report as `npm run bench` writes it.
 * @returns The report with those works of the earlier one that it has not measured itself; `measured` says of each of them when and where.
 * @throws TypeError where the earlier one is of another size.
 */
export function besideEarlier(report, earlier) {
	if (earlier.options.size !== report.options.size)
		throw new TypeError(`--beside: a report of the size ${earlier.options.size}, not ${report.options.size}`);
	const isOwn = (work) => Object.values(report.tiers).some((tier) => work in tier);
	const others = mapped(earlier.tiers, (tier) =>
		Object.fromEntries(Object.entries(tier).filter(([work]) => !isOwn(work))),
	);
	const { startedAt, machine } = earlier;
	const measured = Object.fromEntries(
		Object.values(others)
			.flatMap(Object.keys)
			.map((work) => [work, earlier.measured?.[work] ?? { startedAt, machine }]),
	);
	const inOrder = (tier) => Object.fromEntries(Object.entries(tier).sort(([a], [b]) => (a < b ? -1 : 1)));
	const tiers = mapped({ ...others, ...report.tiers }, (_, name) =>
		inOrder({ ...others[name], ...report.tiers[name] }),
	);
	return { ...report, tiers, measured };
}

/** When the works of earlier runs were measured, and what was different. */
function earlierTexts({ measured = {}, machine }) {
	const runs = new Map();
	for (const [work, run] of Object.entries(measured))
		runs.set(run.startedAt, {
			machine: run.machine,
			works: [...(runs.get(run.startedAt)?.works ?? []), work],
		});
	return [...runs].map(([startedAt, run]) => {
		const others = Object.entries(run.machine).filter(([name, value]) => machine[name] !== value);
		const differs = others.map(([name, value]) => `, ${name} ${value}`).join('');
		return `${run.works.join(', ')}: of the run that began ${startedAt}${differs}.`;
	});
}

export function markdownOf(report) {
	const { machine, options, tiers } = report;
	const parts = [
		'# Bench',
		`${report.startedAt}, ${digits(report.tookMs / 60_000)} minutes, rounds: ${options.rounds}${options.size === 'quick' ? ', short form: only that it works' : ''}.`,
		`How much of each: ${sizesText(sizes[options.size])}.`,
		table(
			['machine', ''],
			Object.entries(machine).map(([name, value]) => [name, String(value)]),
		),
		...earlierTexts(report),
	];
	for (const [name, tier] of Object.entries(tiers)) {
		parts.push(`## ${tierTitles[name]}`, `Medians, the least and the most in brackets.`, glanceTable(tier));
		for (const [work, byPeer] of Object.entries(tier)) {
			parts.push(`### ${work}: ${works[work].title}`, figuresTable(work, byPeer, valuesIn(tier)));
			const failures = Object.entries(byPeer).flatMap(([peer, rounds]) =>
				rounds.flatMap(({ error }, round) =>
					error === undefined ? [] : [`- ${peer}, round ${round + 1} failed: ${error.split('\n')[0]}`],
				),
			);
			if (failures.length > 0) parts.push(failures.join('\n'));
		}
	}
	parts.push('## Targets (strict)', targetsTable(verdicts(report)));
	return `${parts.join('\n\n')}\n`;
}

const sizesText = (one) =>
	Object.entries(one)
		.map(([name, count]) => `${name} ${digits(count)}`)
		.join(', ');

const tierTitles = {
	strict: 'Strict: `sync_interval: always`, `appendfsync always`, `synchronous_commit on`',
	relaxed:
		"Relaxed: the server's own `sync_interval`, `appendfsync everysec`, `synchronous_commit off`; what a steward node writes is flushed all the same",
};

function verdictOf(value, met, isWithinReach) {
	if (value === undefined) return 'NOT MEASURED';
	if (met) return 'met';
	return isWithinReach ? 'NOT MET' : 'NOT MET, nor by its messages alone';
}

/** What several can do, side by side. */
function glanceTable(tier) {
	const compared = Object.entries(tier).filter(([, byPeer]) => Object.keys(byPeer).length > 1);
	const peers = [...new Set(compared.flatMap(([, byPeer]) => Object.keys(byPeer)))];
	const valuesOf = valuesIn(tier);
	const rows = compared.flatMap(([work]) =>
		Object.entries(works[work].figures).map(([figure, { unit }]) => [
			`${work}: ${figure}, ${unit}`,
			...peers.map((peer) => spread(summaryOf(valuesOf(work, figure, peer)))),
		]),
	);
	return table(['', ...peers], rows);
}

const spread = (summary) =>
	summary ? `${digits(summary.median)} (${digits(summary.min)}–${digits(summary.max)})` : '';

function figuresTable(work, byPeer, valuesOf) {
	const rows = Object.entries(works[work].figures).flatMap(([figure, { unit }]) =>
		Object.keys(byPeer).flatMap((peer) => {
			const values = valuesOf(work, figure, peer);
			const summary = summaryOf(values);
			if (!summary) return [];
			const ratio = peer === 'steward' ? 1 : ratioOf(valuesOf(work, figure, 'steward'), values);
			const { median, min, max, rounds } = summary;
			return [[`${figure}, ${unit}`, peer, ...[median, min, max].map(digits), rounds, digits(ratio)]];
		}),
	);
	return table(['figure', 'peer', 'median', 'min', 'max', 'rounds', 'steward / peer'], rows);
}

function targetsTable(rows) {
	return table(
		['work', 'figure', 'wanted', 'reached', 'its messages alone', ''],
		rows.map(({ work, figure, least, of, unit = '', most, value, alone, met, isWithinReach }) => [
			work,
			figure,
			`${least === undefined ? 'at most' : 'at least'} ${digits(least ?? most)} ${of === undefined ? unit : `x ${of}`}`,
			digits(value),
			digits(alone),
			verdictOf(value, met, isWithinReach),
		]),
	);
}
