/**
 * Owns the command line of `npm run bench`.
 * Promises that nothing is measured that was not meant: what is not known is refused. Pure.
 */

import { parseArgs } from 'node:util';
import { works } from './works.mjs';

export const usage = `npm run bench -- [options]
  --work A,C         ${Object.entries(works)
		.map(([letter, { title }]) => `${letter}  ${title}`)
		.join('\n                     ')}
  --peers steward,raw,plain,protocol,bullmq,pg-boss,graphile-worker
                     raw is JetStream with atomic batches, plain one publish a message, protocol the messages of steward's way alone
  --tier strict,relaxed
  --rounds 5
  --quick            short: one round of A, C and D, strict, steward and JetStream only; shows that it works, not how fast
  --beside FILE      an earlier report (--json): its works that are not measured now are told beside them
  --json FILE        all rounds, and the machine
  --markdown FILE    what is printed at the end`;
/** @throws TypeError where an option is not known, or not what it should be. */
export function readOptions(args) {
	const { values } = parseArgs({
		args,
		options: {
			...{ work: { type: 'string' }, peers: { type: 'string' }, tier: { type: 'string' } },
			...{ rounds: { type: 'string' }, json: { type: 'string' }, markdown: { type: 'string' } },
			beside: { type: 'string' },
			...{ quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
		},
	});
	const known = {
		work: Object.keys(works),
		peers: [...new Set(Object.values(works).flatMap(({ peers }) => peers))],
		tier: ['strict', 'relaxed'],
	};
	const short = values.quick ? { work: 'A,C,D', peers: 'steward,raw,plain', tier: 'strict' } : {};
	const lists = Object.entries(known).map(([name, all]) => {
		const chosen = (values[name] ?? short[name])?.split(',') ?? all;
		const wrong = chosen.filter((one) => !all.includes(one));
		if (wrong.length > 0)
			throw new TypeError(`--${name}: expected some of ${all.join(',')}, got ${wrong.join(',')}`);
		return [name, chosen];
	});
	const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
	if (!(Number.isInteger(rounds) && rounds >= 1)) throw new TypeError('--rounds: expected 1 or more');
	return { ...values, ...Object.fromEntries(lists), rounds, size: values.quick ? 'quick' : 'whole' };
}
