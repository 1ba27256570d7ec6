/**
 * Owns what the model needs of reports: the rounds of works A, F, G and H, and what they were measured on.
 * Promises that each work is whole and of one report, the first that has it without a failure. Pure.
 */

import { modelOf } from './model.mjs';
import { valuesIn } from './report.mjs';

const needed = { A: 'plain', F: 'steward', G: 'steward', H: 'steward' };

/** @param reports As `npm run bench` writes them, or as this gave them. @returns One report with no more than is needed. */
export function kept(reports) {
	const works = Object.entries(needed).map(([work, peer]) => {
		const report = reports.find(({ tiers }) => tiers.strict?.[work]?.[peer]?.some(({ figures }) => figures));
		if (!report)
			throw new TypeError(
				`no report has work ${work} of ${peer}: npm run bench -- --work ${work} --tier strict --json FILE`,
			);
		const { options } = report;
		const { startedAt, machine } = report.measured?.[work] ?? report;
		return {
			work,
			peer,
			rounds: report.tiers.strict[work][peer],
			from: { startedAt, machine, size: options.size },
		};
	});
	const sizes = new Set(works.map(({ from }) => from.size));
	if (sizes.size > 1)
		throw new TypeError('the reports are of different sizes: the short form beside the whole one');
	return {
		options: { size: [...sizes][0] },
		measured: Object.fromEntries(
			works.map(({ work, from: { startedAt, machine } }) => [work, { startedAt, machine }]),
		),
		tiers: { strict: Object.fromEntries(works.map(({ work, peer, rounds }) => [work, { [peer]: rounds }])) },
	};
}

/** @param measured As `kept` gives it. */
export function modelFrom({ tiers, options }) {
	const valuesOf = valuesIn(tiers.strict);
	return modelOf(
		(work, figure, peer = 'steward') => valuesOf(work, figure, peer).filter((value) => value !== undefined),
		options.size,
	);
}

/** What is said of where it was measured, a machine once. */
export function aboutOf({ measured }) {
	const byMachine = new Map();
	for (const [work, { startedAt, machine }] of Object.entries(measured)) {
		const { 'load at the start': load, ...rest } = machine;
		const name = `${rest.processor}, ${rest.memory}, nats-server ${rest['nats-server']}, Node.js ${rest.node}, steward ${rest.steward}`;
		const day = startedAt.slice(0, 10);
		const flush = rest['flush of 4 KiB there'];
		byMachine.set(name, [
			...(byMachine.get(name) ?? []),
			`${work} on ${day} (load at its start ${load}, a flush ${flush})`,
		]);
	}
	return [...byMachine].map(([name, works]) => `Measured on ${name}: ${works.join(', ')}.`).join(' ');
}
