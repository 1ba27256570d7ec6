import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSecretFile } from '../../src/base/secret-files.ts';
import { parseBundle } from '../../src/security/bundle.ts';
import { cliInside } from '../support/cli-inside.ts';
import { tempDir } from '../support/temp.ts';

test('a thousand nodes are enrolled within ten seconds of processor time, without a server', async () => {
	await using dir = await tempDir('steward-enrol-');
	const steward = cliInside(dir.path);
	expect(await steward('init', '--secure', '--host', '127.0.0.1')).toMatchObject({ code: 0 });
	const names = Array.from({ length: 1000 }, (_, index) => `ship${index}`);
	await writeFile(join(dir.path, 'ships.txt'), names.join('\n'));

	const before = process.cpuUsage();
	expect(await steward('enrol', '--file', 'ships.txt', '--out', 'bundles')).toMatchObject({ code: 0 });
	const { user, system } = process.cpuUsage(before);
	const tookMs = (user + system) / 1000;
	console.log(`1,000 nodes enrolled in ${Math.round(tookMs)} ms of processor time`);
	expect(tookMs).toBeLessThan(10_000);
	expect(await readdir(join(dir.path, 'bundles'))).toHaveLength(1000);
	const last = parseBundle(await readSecretFile(join(dir.path, 'bundles', 'ship999.steward')));
	expect(last.name).toBe('ship999');
});
