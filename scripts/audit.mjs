/**
 * Owns the question to the registry whether a package in the lock file has a known vulnerability.
 * Promises exit code 1 when it has one, of any severity, and a line that says so when nobody answers (then 0, or 1 with --strict): a
 * machine without a registry can build, and does not look audited. Only reads.
 *
 *     node scripts/audit.mjs [--strict] [options of npm audit]
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const strict = process.argv.includes('--strict');
const more = process.argv.slice(2).filter((word) => word !== '--strict');
const words = ['audit', '--json', '--fetch-retries=0', '--fetch-timeout=15000', ...more];
const cwd = fileURLToPath(new URL('../', import.meta.url));
const { stdout, stderr } = spawnSync('npm', words, { cwd, encoding: 'utf8', timeout: 60_000 });

const answer = parsed(stdout);
const total = answer?.metadata?.vulnerabilities?.total;
if (typeof total !== 'number') {
	const why = answer?.message ?? answer?.error?.summary ?? stderr.trim().split('\n').at(-1);
	console.error(`not audited: the registry did not answer (${why})`);
	process.exitCode = strict ? 1 : 0;
} else {
	const { dependencies } = answer.metadata;
	console.log(`audited ${dependencies?.total ?? 'all'} packages: ${total} with a known vulnerability`);
	for (const [name, { severity, via }] of Object.entries(answer.vulnerabilities)) {
		const titles = via.map((cause) => (typeof cause === 'string' ? `through ${cause}` : cause.title));
		console.log(`  ${name} (${severity}): ${titles.join('; ')}`);
	}
	process.exitCode = total > 0 ? 1 : 0;
}

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
