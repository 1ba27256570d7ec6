/**
 * Owns how a measurement of a fleet is shown to people.
 * Promises that what was not measured is not there, and that what is left behind is said.
 * Pure.
 */

import { counted } from '../../base/text.ts';
import type { BenchView } from '../../domain/bench-view.ts';
import type { Cli } from '../cli.ts';
import { count } from './output.ts';
import { table } from './table.ts';

export function printBench({ stdout, stderr, program }: Cli, view: BenchView): void {
	const { node, lane, capacity, brokerMs, acknowledgedMs, resultMs, samples, through, enqueue } = view;
	const times = [
		{ what: 'the broker answers', taken: brokerMs },
		{ what: 'a ping is on disk', taken: acknowledgedMs },
		{ what: 'its result can be read', taken: resultMs },
	].flatMap(({ what, taken }) => (taken ? [{ what, ...taken }] : []));
	const title = `${node}, lane ${lane}, ${capacity} at once; ${counted(samples, 'ping')} one by one`;
	const millis = (ms: number) => `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
	if (times.length > 0) {
		const columns = [
			{ title, cell: ({ what }: (typeof times)[number]) => what },
			{ title: 'p50', cell: ({ p50 }: (typeof times)[number]) => millis(p50), align: 'right' as const },
			{ title: 'p99', cell: ({ p99 }: (typeof times)[number]) => millis(p99), align: 'right' as const },
		];
		stdout.line(table(times, columns, stdout));
	}
	const rates = [
		through && { of: through, how: `through ${node}, ${through.mostAtOnce} under way at the most` },
		enqueue && { of: enqueue, how: `enqueued for a node that is away, ${enqueue.callers} callers` },
	];
	for (const rate of rates) {
		if (!rate) continue;
		const { of, how } = rate;
		stdout.line(`${stdout.paint('bold', `${count(of.perSecond)}/s`)}  ${counted(of.count, 'ping')} ${how}`);
	}
	if (view.left > 0) {
		const text = `${counted(view.left, 'ping')} could not be called off: whatever still waits expires within 10 minutes`;
		stderr.line(stderr.paint('yellow', text));
	}
	const kept = `${counted(view.sent, 'ping')} in all, ${count(view.cancelled)} of them called off before they started; each stays in the ledger for 30 days`;
	stderr.line(stderr.paint('dim', `${kept} (${program} list --method ping)`));
}
