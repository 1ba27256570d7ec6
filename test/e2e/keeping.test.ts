import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { runCli } from '../support/cli.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

function exactly<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
	const value: unknown = JSON.parse(text);
	const parsed = schema.parse(value);
	expect(parsed).toEqual(value);
	return parsed;
}

test('streams plan and apply: what differs, what it would lose, and by which exit code', async () => {
	await using nats = await startNats();
	await using raw = await openRaw(nats.url);
	const steward = (...args: string[]) => runCli(args, { env: { STEWARD_SERVERS: nats.url } });
	const fresh = exactly(viewSchemas.streamsPlan, (await steward('streams', 'plan', '--json')).stdout);
	expect(fresh).toMatchObject({ differs: true, destructive: false, schema: { stored: null, known: 1 } });
	expect((await steward('streams', 'plan', '--check')).code).toBe(11);
	expect((await steward('streams', 'apply', '--budget', '1GiB')).code).toBe(0);
	const same = await steward('streams', 'plan', '--check');
	expect([same.code, same.stdout]).toEqual([0, expect.stringContaining('no difference')]);

	const { config } = await raw.jsm.streams.info('STEWARD_DEAD');
	await raw.jsm.streams.update('STEWARD_DEAD', {
		...{ ...config, description: 'older', discard: 'new' as never, subjects: ['steward.dead.>', 'older.>'] },
	});
	const plan = await steward('streams', 'plan');
	expect(plan.code).toBe(0);
	expect(plan.stdout).toMatch(/^ ?- +STEWARD_DEAD +subjects +older\.> +messages of this subject/m);
	expect(plan.stdout).toMatch(/^ ?~ +STEWARD_DEAD +discard +new +old +a full stream drops/m);
	expect(plan.stdout).toContain('--allow-destructive');
	const refused = await steward('streams', 'apply');
	expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining('steward backup')]);
	expect((await raw.jsm.streams.info('STEWARD_DEAD')).config.description).toBe('older');
	const applied = await steward('streams', 'apply', '--allow-destructive', '--json');
	const { changes } = exactly(viewSchemas.setup, applied.stdout);
	expect(changes.filter(({ change }) => change !== 'unchanged')).toEqual([
		{ name: 'STEWARD_DEAD', change: 'updated' },
	]);

	const first = (await raw.jsm.streams.info('STEWARD_COMMANDS_0')).config;
	const metadata = { ...first.metadata, 'steward.schema': '2' };
	await raw.jsm.streams.update('STEWARD_COMMANDS_0', { ...first, metadata });
	for (const words of ['plan', 'apply']) expect((await steward('streams', words)).code).toBe(7);
});

test('backup, verify, restore: what was queued on one broker is queued on another', async () => {
	await using dir = await tempDir();
	await using nats = await startNats();
	await using other = await startNats();
	const on =
		(url: string) =>
		(...args: string[]) =>
			runCli(args, { env: { STEWARD_SERVERS: url }, cwd: dir.path });
	const [here, there] = [on(nats.url), on(other.url)];
	expect((await here('backup', 'copy')).code).toBe(3);
	await here('init', '--budget', '1GiB');
	await here('send', 'ship1', 'shellCommand', '--id', 'a', '--', 'uname');
	const made = await here('backup', 'copy');
	expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^STEWARD_COMMANDS_0 +1 +1 /m)]);
	expect(made.stderr).toMatch(/^ 3\/13 {2}STEWARD_COMMANDS_0$/m);
	const again = await here('backup', 'copy', '--json');
	expect([again.code, JSON.parse(again.stderr).error.code]).toEqual([6, 'refused']);
	expect(await readdir(dir.path)).toEqual(['copy']);
	const verified = await here('backup', 'verify', 'copy', '--json');
	expect(exactly(viewSchemas.backup, verified.stdout).streams).toHaveLength(13);
	const full = await here('restore', 'copy');
	expect([full.code, full.stderr]).toEqual([6, expect.stringContaining('STEWARD_COMMANDS_0')]);
	const restored = await there('restore', join(dir.path, 'copy'), '--json');
	expect(exactly(viewSchemas.restored, restored.stdout).replaced).toEqual([]);
	const shown = await there('show', 'ship1.a', '--json');
	expect(exactly(viewSchemas.command, shown.stdout)).toMatchObject({ state: 'queued' });
	const alone = await there('restore', 'copy', '--replace', '--replicas', '3');
	expect([alone.code, alone.stderr]).toEqual([6, expect.stringContaining('no place for 3 replicas')]);
	// Nothing was thrown away for it.
	expect((await there('show', 'ship1.a')).code).toBe(0);
	expect((await there('restore', 'copy', '--replace')).code).toBe(0);
});
