import { existsSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { isSameProcess, processIdentity } from '../../src/base/process.ts';
import { startNats } from '../support/nats.ts';

test('the launcher gives a server that keeps port and data across a kill, and leaves nothing behind', async () => {
	let left: { dir: string; process: ReturnType<typeof processIdentity> };
	{
		await using nats = await startNats();
		const { port, url } = nats;
		{
			const nc = await connect({ servers: url });
			const jsm = await jetstreamManager(nc);
			await jsm.streams.add({ name: 'KEPT', subjects: ['kept'] });
			await jetstream(nc).publish('kept', 'still here');
			await nc.close();
		}
		await nats.restart();
		expect(nats.port).toBe(port);
		const nc = await connect({ servers: url });
		const info = await (await jetstreamManager(nc)).streams.info('KEPT');
		expect(info.state.messages).toBe(1);
		await nc.close();
		left = { dir: nats.storeDir, process: processIdentity(nats.pid) };
		expect(left.process).toBeDefined();
	}
	expect(left.process !== undefined && isSameProcess(left.process)).toBe(false);
	expect(existsSync(left.dir)).toBe(false);
});

test('the launcher tells why a server did not start', async () => {
	await expect(startNats({ flags: ['--no_such_flag'] })).rejects.toThrow(
		/before it was ready[\s\S]*no_such_flag/,
	);
});
