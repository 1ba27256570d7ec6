import { expect, test } from 'vitest';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp.ts';

test('Ctrl-C calls off what a bench has sent, tells what it has, and ends as a shell expects', async () => {
	await using dir = await tempDir();
	await using up = startCli(['up', '--data', dir.path, '--port', '0']);
	await up.printed('Try next');
	const env = { STEWARD_SERVERS: /nats:\/\/[\d.:]+/.exec(up.stdout())?.[0] };
	const queued = async () => {
		const { stdout } = await runCli(['list', '--state', 'queued', '--limit', '100000', '--json'], { env });
		return JSON.parse(stdout) as { node: string }[];
	};
	// Its first word is said before its lanes have their consumers.
	const lanes = async () => {
		const { stdout } = await runCli(['nodes', 'show', 'central', '--json'], { env });
		return viewSchemas.node.parse(JSON.parse(stdout)).lanes;
	};
	await eventually(async () =>
		(await lanes()).some((one) => one.lane === 'normal' && one.status === 'ready'),
	);
	const words = ['--node', 'central', '--pings', '10000', '--samples', '2', '--longest', '2m', '--json'];
	await using bench = startCli(['bench', ...words], { env });
	// More than one at once: those that go through the node. Held back, they wait for good.
	await eventually(async () => (await queued()).length > 2);
	expect(await runCli(['nodes', 'pause', 'central'], { env })).toMatchObject({ code: 0 });
	await eventually(async () => (await queued()).length > 2);
	expect(await bench.stop('SIGINT')).toBe(130);
	expect(bench.stderr()).toContain('stopping: what waits is called off; once more ends it at once');
	const view = viewSchemas.bench.parse(JSON.parse(bench.stdout()));
	expect(view).toMatchObject({ samples: 2, enqueue: null, left: 0, complete: false });
	expect(view.cancelled).toBeGreaterThan(0);
	// The centre hears of it a moment later.
	await eventually(async () => (await queued()).length === 0);
});
