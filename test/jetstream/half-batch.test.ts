import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getLastOfMany } from '../../src/jetstream/direct-get.ts';
import { expectedSeqHeader, Publisher } from '../../src/jetstream/publisher.ts';
import { whyNoTrace } from '../chaos/power-loss/strace.ts';
import { untilGone } from '../support/effects.ts';
import { messagesOf, startBroker } from './setup.ts';

/**
 * A server stores a committed batch one message after another. The publisher takes one that it finds for all of them: this kills
 * the server in between, at a write of its own, and sees it complete the batch when it starts again.
 */

const why = await whyNoTrace();
const stream = 'STEWARD_CLAIMS';

/** Resolves when strace holds the process: at the `nth` write of this file by one thread, it is killed. */
async function killAtWrite(pid: number, path: string, nth: number): Promise<AsyncDisposable> {
	const inject = `inject=pwrite64:signal=KILL:when=${nth}`;
	const form = ['-f', '-P', path, '-e', 'trace=pwrite64', '-e', inject, '-o', '/dev/null', '-p', String(pid)];
	const strace = spawn('strace', form, { stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = once(strace, 'exit');
	let said = '';
	await new Promise<void>((resolve, reject) => {
		strace.stderr.setEncoding('utf8').on('data', (text: string) => {
			said += text;
			if (said.includes('attached')) resolve();
		});
		void ended.then(() => reject(new Error(`strace ended: ${said}`)));
	});
	return {
		async [Symbol.asyncDispose]() {
			strace.kill();
			await ended;
		},
	};
}

test.skipIf(why !== undefined)(
	'a server that dies while it stores a batch completes it: what is found of a batch speaks for all of it',
	async () => {
		await using broker = await startBroker();
		const { nats, connection } = broker;
		const publisher = new Publisher(connection, { stream, mayLookUp: true, timeoutMs: 60_000 });
		await publisher.publish({ subject: 'steward.claim.ship1.first', data: '' });
		const file = join(nats.storeDir, 'broker/store/jetstream/$G/streams', stream, 'msgs/1.blk');
		const requests = Array.from({ length: 60 }, (_, index) => ({
			subject: `steward.claim.ship1.id${index}`,
			data: `body ${index}`,
			headers: { [expectedSeqHeader]: '0' },
		}));
		{
			await using _strace = await killAtWrite(nats.pid, file, 5);
			const publishing = Promise.allSettled(requests.map((request) => publisher.publish(request)));
			await untilGone(nats.pid);
			// Otherwise it died before or after the batch, and this proves nothing.
			const begun = (await readFile(file, 'latin1')).split('steward.claim.ship1.id').length - 1;
			expect(begun).toBeGreaterThan(0);
			expect(begun).toBeLessThan(60);
			await nats.restart();
			const outcomes = await publishing;
			expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
		}
		const subjects = requests.map(({ subject }) => subject);
		const stored = await getLastOfMany(connection, stream, subjects);
		expect(stored.map(({ subject }) => subject).sort()).toEqual([...subjects].sort());
		expect(await messagesOf(connection, stream)).toBe(61);
		expect(stored.filter((message) => message.header('Nats-Batch-Id') !== '')).toHaveLength(60);
	},
);

test.skipIf(why === undefined)(`half a batch: skipped, because ${why}`, () => undefined);
