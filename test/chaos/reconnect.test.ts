import { expect, test } from 'vitest';
import { disposables } from '../support/disposables.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { tempDir } from '../support/temp.ts';

/** 200 in the long form. */
const count = Number(process.env.STEWARD_CHAOS_NODES ?? 30);
const startedAtOnce = 20;
const each = 2;

test(`${count} nodes whose links come back at once: every command that waited runs once, within a minute`, async () => {
	await using parts = disposables();
	const nats = parts.use(await startNats());
	parts.use(await startCentral(nats.url, { presenceTtlMs: 10_000 }));
	const fleet = await openFleet(nats.url);
	parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
	const proxy = parts.use(await startProxy(nats.port));
	const dir = parts.use(await tempDir());
	const effects = effectsIn(dir.path);
	const names = Array.from({ length: count }, (_, n) => `ship${n}`);
	for (let at = 0; at < count; at += startedAtOnce) {
		const some = names.slice(at, at + startedAtOnce);
		for (const node of await Promise.all(
			some.map((name) => startNode(proxy.url, name, { node: { beatEveryMs: 3000 } })),
		)) {
			parts.use(node);
		}
	}
	const isReady = async () => {
		const nodes = await fleet.nodes();
		return (
			nodes.filter(({ lanes }) => lanes.length > 0 && lanes.every(({ status }) => status === 'ready'))
				.length === count
		);
	};
	await eventually(isReady, { timeoutMs: 120_000, everyMs: 200, message: 'all lanes are ready' });

	proxy.cut();
	for (let n = 0; n < each; n++) {
		const data = effects.shell(`$STEWARD_NODE-${n}`);
		await fleet.send({ toNodes: names, kind: 'command', method: 'shellCommand', id: `c${n}`, data });
	}
	const healedAt = performance.now();
	proxy.heal();
	const handles = names.flatMap((name) => Array.from({ length: each }, (_, n) => `${name}.c${n}`));
	const views = await fleet.wait(handles, { timeoutMs: 180_000 });
	const tookMs = Math.round(performance.now() - healedAt);
	if (process.env.STEWARD_CHAOS_NODES)
		console.log(`${count} nodes, ${handles.length} commands, all ended after ${tookMs} ms`);
	expect(views.map(({ state }) => state)).toEqual(handles.map(() => 'succeeded'));
	expect((await effects.words()).toSorted()).toEqual(
		handles.map((handle) => handle.replace('.c', '-')).toSorted(),
	);
	expect(tookMs).toBeLessThan(60_000);
}, 600_000);
