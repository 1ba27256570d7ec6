/**
 * Sizes at each bound, one less and one more, by fleet, broker, socket and file, and on the way back: what is within the bound works end to end,
 * what is beyond it is told to its sender with the bound and the next step, and costs none of its neighbours.
 */

import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { envelopeFor } from '../../src/domain/envelope.ts';
import { type MessageForm, parseMessage } from '../../src/domain/message.ts';
import { operatorSender, rawSender } from '../../src/domain/names.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { largestBody, usualMaxPayload } from '../../src/jetstream/limits.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { moduleHeader } from './module-source.ts';

/** Names as long as names may be. */
const ship = 's'.repeat(63);
const longId = (name: string) => name.padEnd(64, '-');
const body = largestBody(usualMaxPayload);
/** What an outbox takes of data: room is left for what the centre puts around it. */
const outboxData = body - 2048;
const around = [-1, 0, 1] as const;

const source = `
	export default [
		method('value', (_, bytes) => 'v'.repeat(bytes - 2)),
		method('largest', () => 'v'.repeat(256 * 1024 - 2)),
		method('${'m'.repeat(64)}', () => 'long'),
	];
`;

async function world() {
	const nats = await startNats();
	const central = await startCentral(nats.url);
	const dir = await tempDir();
	const modulePath = join(dir.path, 'module.mjs');
	await writeFile(modulePath, (await moduleHeader()) + source);
	const node = await startNode(nats.url, ship, { node: { modules: [modulePath], lanes: { normal: 8 } } });
	const fleet = await openFleet(nats.url);
	const raw = await openRaw(nats.url);
	await eventually(async () => (await fleet.nodes()).length === 1);
	return {
		...{ fleet, raw, dataDir: node.dataDir },
		/** What its program read from its standard input, as that counted it. */
		counted: async (id: string) => {
			// What came by the intake is known a moment later.
			const known = () => fleet.wait([`${ship}.${id}`], { timeoutMs: 60_000 });
			const [view] = await eventually(known, { message: id });
			expect(view?.state, JSON.stringify(view?.fault)).toBe('succeeded');
			return Number(view?.result?.stdout?.head);
		},
		[Symbol.asyncDispose]: async () => {
			await raw[Symbol.asyncDispose]();
			await fleet.close();
			for (const part of [node, central, dir, nats]) await part[Symbol.asyncDispose]();
		},
	};
}

const counting = (id: string, stdin: string): MessageForm => ({
	...{ toNode: ship, kind: 'command', method: 'shellCommand', id, lane: 'normal' },
	data: { command: ['wc', '-c'], stdin },
});

/** A command whose envelope has exactly `bytes`. */
function sized(id: string, bytes: number, sender: string): { form: MessageForm; stdin: number } {
	const empty = envelopeFor(parseMessage(counting(id, '')), ship, id, sender);
	const stdin = bytes - Buffer.byteLength(JSON.stringify(empty));
	return { form: counting(id, 'x'.repeat(stdin)), stdin };
}

test('a fleet sends what fits, and names the bound of what does not', async () => {
	await using at = await world();
	const { fleet } = at;
	const commands = around.map((more) => sized(longId(`c${more + 1}`), body + more, operatorSender));
	// Handed over in one turn: they share a batch.
	const neighbours = Array.from({ length: 20 }, (_, n) => fleet.send(counting(`n${n}`, 'abc')));
	const sent = await Promise.allSettled(commands.map(({ form }) => fleet.send(form)));
	expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
	expect(sent[2]).toMatchObject({
		reason: {
			code: 'refused',
			message: expect.stringMatching(/data: .*516097 bytes.* at most 516096 .*send where it is/),
		},
	});
	await Promise.all(neighbours);
	for (const { form, stdin } of commands.slice(0, 2)) expect(await at.counted(form.id ?? '')).toBe(stdin);
	for (let n = 0; n < 20; n++) expect(await at.counted(`n${n}`)).toBe(3);
	// Events: their data is the body.
	const lines = around.map((more) => 'e'.repeat(body + more - JSON.stringify(['']).length));
	const told = await Promise.allSettled(
		lines.map((line) => fleet.send({ toNode: ship, kind: 'event', method: 'textLogging', data: [line] })),
	);
	expect(told.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
	expect(told[2]).toMatchObject({ reason: { message: expect.stringMatching(/data: .* at most 516096 /) } });
	await eventually(async () => {
		const logged = (await readFile(join(at.dataDir, 'logs', '_operator.log'), 'utf8')).split('\n');
		return logged.slice(0, 2).every((line, index) => line.length === lines[index]?.length);
	});
});

test('a raw message that fits is queued; one that does not is a dead letter, and those beside it go on', async () => {
	await using at = await world();
	const commands = around.map((more) => sized(longId(`r${more + 1}`), body + more, rawSender));
	const subject = `${ship}.command.shellCommand`;
	const { nc } = at.raw;
	nc.publish(subject, JSON.stringify(counting('before', 'abc')));
	for (const { form } of commands) nc.publish(subject, JSON.stringify(form));
	// The largest that the broker takes, and one byte more: the client says so.
	nc.publish(subject, 'x'.repeat(usualMaxPayload));
	expect(() => nc.publish(subject, 'x'.repeat(usualMaxPayload + 1))).toThrow(/max_payload|size/i);
	nc.publish(subject, JSON.stringify(counting('after', 'abcd')));
	expect([await at.counted('before'), await at.counted('after')]).toEqual([3, 4]);
	for (const { form, stdin } of commands.slice(0, 2)) expect(await at.counted(form.id ?? '')).toBe(stdin);
	const dead = new DeadLetters(at.raw.connection);
	const refused = await eventually(async () => {
		const ids: string[] = [];
		await dead.scan({}, ({ id }) => ids.push(id));
		return ids.length === 2 && (await Promise.all(ids.map((id) => dead.find({ node: ship, id })))).flat();
	});
	const told = refused.map(({ letter }) => `${letter.kept}: ${letter.fault.message}`);
	expect(told.toSorted()).toEqual([
		expect.stringMatching(/^beginning: the body is no JSON/),
		expect.stringMatching(/^whole: .*data: .*516097 bytes.* at most 516096 .*send where it is/),
	]);
});

test('a node’s socket and its inmsg.txt take what the centre can queue, and tell the bound of what it cannot', async () => {
	await using at = await world();
	const dataOf = (bytes: number) => bytes - JSON.stringify({ command: ['wc', '-c'], stdin: '' }).length;
	const forms = (way: string) =>
		around.map((more) => counting(longId(`${way}${more + 1}`), 'x'.repeat(dataOf(outboxData + more))));
	const path = socketPathFor(at.dataDir, at.dataDir);
	const patience = { timeoutMs: 60_000, clock: systemClock };
	const sent = await Promise.allSettled(forms('s').map((form) => sendViaSocket(path, form, patience)));
	expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
	const message = expect.stringMatching(/data: .*514049 bytes, and 514048 can be queued: send .*address/);
	expect(sent[2]).toMatchObject({ reason: { code: 'refused', message } });
	// A request that no message can be is cut off at its own bound.
	const endless = counting('endless', 'x'.repeat(1024 * 1024 + 64 * 1024));
	await expect(sendViaSocket(path, endless, patience)).rejects.toMatchObject({ code: 'refused' });
	const texts = [counting('first', 'ab'), ...forms('f'), counting('last', 'abc')];
	await appendFile(join(at.dataDir, 'inmsg.txt'), texts.map((form) => `${JSON.stringify(form)}\n`).join(''));
	for (const way of ['s', 'f']) {
		for (const more of [-1, 0])
			expect(await at.counted(longId(`${way}${more + 1}`))).toBe(dataOf(outboxData + more));
	}
	expect([await at.counted('first'), await at.counted('last')]).toEqual([2, 3]);
	const rejected = join(at.dataDir, 'inmsg.rejected');
	const reasons = (await readdir(rejected)).filter((name) => name.endsWith('.reason.txt'));
	expect(await Promise.all(reasons.map((name) => readFile(join(rejected, name), 'utf8')))).toEqual([message]);
});

test('what a method gives back is whole up to its bound, and all bounds at once still settle the command', async () => {
	await using at = await world();
	const { fleet } = at;
	const value = 256 * 1024;
	const command = (id: string, method: string, data: MessageForm['data'] = null) =>
		fleet.send({ toNode: ship, kind: 'command', method, id, data });
	for (const more of around) await command(`v${more + 1}`, 'value', value + more);
	const edges = 2 * 16 * 1024;
	for (const more of around) {
		await command(`o${more + 1}`, 'shellCommand', [
			'bash',
			'-c',
			`head -c ${edges + more} /dev/zero | tr '\\0' x`,
		]);
	}
	await command(longId('long'), 'm'.repeat(64));
	// The largest message with the largest value; and with outputs, each character of which takes six bytes.
	const most = 'x'.repeat(body - 1000);
	await command('most', 'largest', most);
	const noise = "head -c 40000 /dev/zero | tr '\\0' '\\1'";
	await command('noisy', 'shellCommand', { command: ['bash', '-c', `${noise}; ${noise} >&2`], stdin: most });
	const ids = [...[0, 1, 2].flatMap((n) => [`v${n}`, `o${n}`]), longId('long'), 'most', 'noisy'];
	const handles = ids.map((id) => `${ship}.${id}`);
	const views = await fleet.wait(handles, { timeoutMs: 60_000 });
	expect(views.map(({ state }) => state)).toEqual(ids.map(() => 'succeeded'));
	const by = new Map(views.map((view) => [view.id, view.result]));
	const lengthOf = (id: string) => JSON.stringify(by.get(id)?.value).length;
	expect([lengthOf('v0'), lengthOf('v1'), lengthOf('most')]).toEqual([value - 1, value, value]);
	expect(by.get('v2')?.value).toMatchObject({ cut: true, bytes: value + 1 });
	expect(['o0', 'o1', 'o2'].map((id) => by.get(id)?.stdout?.cut)).toEqual([0, 0, 1]);
	expect(by.get(longId('long'))?.value).toBe('long');
	for (const output of [by.get('noisy')?.stdout, by.get('noisy')?.stderr]) {
		expect(output).toMatchObject({ bytes: 40_000, cut: 40_000 - edges, head: '\u0001'.repeat(edges / 2) });
	}
	// Their messages are kept as well: they can be sent again.
	for (const id of ['most', 'noisy']) {
		expect(await fleet.retry([`${ship}.${id}`])).toMatchObject([{ node: ship }]);
	}
});
