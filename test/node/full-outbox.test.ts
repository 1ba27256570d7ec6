/**
 * A ship whose outbox is small, with its link cut: what becomes of its own ticks and of inmsg.txt at the bound. Beside it sails one whose
 * outbox is as large as ever: the control.
 */

import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { streams } from '../../src/domain/subject.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { eventually } from '../support/eventually.ts';
import { startNode } from '../support/fleet.ts';
import { place } from './schedules/offline.ts';

test('at the bound of its outbox a ship starts nothing more and refuses what is sent there; back on its link it goes on, and nothing is lost', async () => {
	await using here = await place();
	const { effects, proxy, fleet, nodeDir, raw } = here;
	const outbox = { maxBytes: 4 * 1024 * 1024, maxReportBytes: 3000 };
	await using _small = await startNode(proxy.url, 'ship1', { dataDir: nodeDir, node: { outbox } });
	const wideDir = `${nodeDir}-2`;
	await mkdir(wideDir);
	await using _wide = await startNode(proxy.url, 'ship2', { dataDir: wideDir });
	await here.keep('small', { overlap: 'allow' });
	await here.keep('wide', { name: 'w', toNode: 'ship2', overlap: 'allow' });
	const said = async (word: string) => (await effects.words()).filter((one) => one.startsWith(word)).length;
	await eventually(async () => (await said('small')) > 0 && (await said('wide')) > 0);
	proxy.cut();

	const text = 'x'.repeat(400_000);
	const message = (n: number) => ({
		toNode: 'ship2',
		kind: 'event' as const,
		method: 'unknown',
		data: `${n} ${text}`,
	});
	const inmsg = join(nodeDir, 'inmsg.txt');
	for (let n = 0; n < 12; n += 1) await appendFile(inmsg, `${JSON.stringify(message(n))}\n`);
	const socket = socketPathFor(nodeDir, nodeDir);
	const send = () => sendViaSocket(socket, message(12), { timeoutMs: 60_000, clock: systemClock });
	// However many of the file were taken by then: it is full, and says so.
	let sent = 0;
	await eventually(async () => {
		const refusal = await send().catch((error: unknown) => error);
		if (!(refusal instanceof Error)) {
			sent += 1;
			return false;
		}
		expect(refusal).toMatchObject({ code: 'refused', details: { reason: 'outboxFull' } });
		return true;
	});

	// What is too large by now may be refused before a tick is. Then it begins nothing while the other one begins five.
	await eventually(async () => {
		const [small, wide] = [await said('small'), await said('wide')];
		await eventually(async () => (await said('wide')) >= wide + 5);
		return (await said('small')) === small;
	});
	const waiting = (await readdir(nodeDir)).filter(
		(name) => name.startsWith('inmsg.taken') || name === 'inmsg.txt',
	);
	const texts = await Promise.all(waiting.map((name) => readFile(join(nodeDir, name), 'utf8')));
	expect(texts.join('').length).toBeGreaterThan(text.length);

	const before = await said('small');
	proxy.heal();
	await eventually(async () => (await said('small')) > before + 1);
	await eventually(async () => {
		const view = await fleet.node('ship1');
		return view?.lanes.length === 4 && view.lanes.every(({ pause }) => pause === null);
	});
	await fleet.schedules.remove('s');
	await here.has('s', null);
	const words = (await effects.words()).filter((word) => word.startsWith('small'));
	expect(new Set(words).size).toBe(words.length);
	for (const one of await here.told(words)) expect(one.state).toBe('succeeded');
	// From the file, each once; what the socket refused came nowhere. Those that ship2 cannot handle are dead letters by then.
	const come = 12 + sent;
	await eventually(async () => (await fleet.dead.count({})) === come, {
		message: `${come} came`,
	});
	expect((await readdir(nodeDir)).filter((name) => name.startsWith('inmsg.rejected'))).toEqual([]);
	expect((await raw.connection.jsm.streams.info(streams.intake)).state.messages).toBe(0);
});
