import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { shardOf } from '../../src/domain/subject.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

/** Names of every length, and of every letter that a name may have. */
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
const names = [
	...Array.from({ length: 100 }, (_, n) => `ship${n}`),
	...Array.from({ length: 63 }, (_, n) => 'x'.repeat(n + 1)),
	...[...letters].map((letter) => `a${letter}`),
	...['central', 'SHIP-1', '-', '1a', 'pump_station-07', letters.slice(0, 63), letters.slice(1)],
];

const counts = [1, 2, 3, 7, 16, 64];

describe('the shard of a node', () => {
	test('is the server’s own partition of its name, for every number of shards', async () => {
		await using dir = await tempDir();
		const config = join(dir.path, 'nats-server.conf');
		const mappings = counts.map(
			(count) => `"of${count}.*": "shard${count}.{{partition(${count},1)}}.{{wildcard(1)}}"`,
		);
		await writeFile(config, `host: 127.0.0.1\nmappings {\n${mappings.join('\n')}\n}\n`);
		await using nats = await startNats({ config });
		const nc = await connect({ servers: nats.url });
		try {
			const heard: string[] = [];
			nc.subscribe('>', { callback: (_, message) => void heard.push(message.subject) });
			for (const count of counts) for (const name of names) nc.publish(`of${count}.${name}`);
			await nc.flush();
			expect(heard).toEqual(
				counts.flatMap((count) => names.map((name) => `shard${count}.${shardOf(name, count)}.${name}`)),
			);
		} finally {
			await nc.close();
		}
	});
});
