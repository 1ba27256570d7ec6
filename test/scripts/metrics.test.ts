import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { CentreMetrics } from '../../src/http/metrics/centre-metrics.ts';
import { NodeMetrics } from '../../src/http/metrics/node-metrics.ts';
import { hasPromtool, promtool } from '../support/promtool.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rules = `${root}deploy/prometheus/alerts.yml`;

function families() {
	const centre = new CentreMetrics({ glance: () => undefined, clock: systemClock });
	const node = new NodeMetrics(async () => undefined);
	try {
		return { centre: centre.families, node: node.families };
	} finally {
		for (const one of [centre, node]) one.end();
	}
}

test('docs/metrics.md tells every metric as it is told', async () => {
	const doc = await readFile(`${root}docs/metrics.md`, 'utf8');
	const told = [...doc.matchAll(/^\| `(?:steward_|process_|nodejs_).*$/gm)].map(([line]) => line);
	const { centre, node } = families();
	const line = ({ name, type, labels, help }: (typeof centre)[number]) =>
		`| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
	const isOwn = ({ name }: { name: string }) => name.startsWith('steward_');
	const shared = centre.filter((one) => !isOwn(one));
	expect(node.filter((one) => !isOwn(one))).toEqual(shared);
	expect(told).toEqual([...centre.filter(isOwn), ...node.filter(isOwn), ...shared].map(line));
});

test('the alerts ask for metrics that there are, and say what to do', async () => {
	const { groups } = parse(await readFile(rules, 'utf8'));
	const all = groups.flatMap((group: { rules: unknown[] }) => group.rules);
	const doc = await readFile(`${root}docs/metrics.md`, 'utf8');
	expect(all.length).toBeGreaterThan(9);
	const { centre, node } = families();
	const known = [...centre, ...node].map(({ name }) => name);
	for (const { alert, expr, annotations } of all) {
		expect(doc).toContain(`\`${alert}\``);
		for (const [name] of expr.matchAll(/\bsteward_\w+/g)) expect(known).toContain(name);
		expect(annotations.summary && annotations.action).toBeTruthy();
	}
});

test.skipIf(!hasPromtool)(
	'promtool takes the alerts and the example, and each alert fires when it should',
	async () => {
		const said = await Promise.all([
			promtool(['check', 'rules', rules]),
			promtool(['check', 'config', '--syntax-only', `${root}deploy/prometheus/prometheus.yml`]),
			promtool(['test', 'rules', `${root}test/scripts/alerts.yml`]),
		]);
		for (const { code, said: text } of said)
			expect([code, text]).toEqual([0, expect.stringMatching(/SUCCESS/i)]);
	},
);
