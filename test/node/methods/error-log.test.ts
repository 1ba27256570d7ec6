import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { builtinMethods } from '../../../src/node/methods/index.ts';
import { LogFiles } from '../../../src/node/methods/log-files.ts';
import { InNodeProcess } from '../../../src/node/processes/method-process.ts';
import { manualClock } from '../../support/clock.ts';
import { recordingLog } from '../../support/log.ts';
import { tempDir } from '../../support/temp.ts';

test('keeps each error as one line of JSON with its sender and the time', async () => {
	await using dir = await tempDir();
	const files = new LogFiles({ dataDir: dir.path, maxBytes: 1024 * 1024, keep: 1 });
	const clock = manualClock(Date.UTC(2026, 4, 1, 12));
	const builtin = new InNodeProcess({
		name: 'builtin',
		definitions: builtinMethods({ files, clock, cwd: dir.path, env: {} }),
		node: 'central',
		dataDir: dir.path,
		log: recordingLog(),
	});
	await files.start();
	await builtin.start();
	const { signal } = new AbortController();
	const error = { at: 1, where: 'journal', code: 'storage', message: 'disk\nfull', count: 3 };
	await builtin.run('errorLog', { sender: 'ship1', id: 'e1', attempt: 1, data: error }, signal);
	await builtin.run('errorLog', { sender: 'ship2', id: 'e2', attempt: 1, data: 'odd' }, signal);
	await builtin.run('auditLog', { sender: 'ship1', id: 'a1', attempt: 1, data: error }, signal);
	await files.stop();
	const audit = await readFile(join(dir.path, 'logs', 'audit.jsonl'), 'utf8');
	expect(JSON.parse(audit)).toEqual({
		...{ receivedAt: '2026-05-01T12:00:00.000Z', sender: 'ship1', id: 'a1' },
		refusal: error,
	});
	const lines = (await readFile(join(dir.path, 'logs', 'errors.jsonl'), 'utf8')).trimEnd().split('\n');
	expect(lines.map((line) => JSON.parse(line))).toEqual([
		{ receivedAt: '2026-05-01T12:00:00.000Z', sender: 'ship1', id: 'e1', error },
		{ receivedAt: '2026-05-01T12:00:00.000Z', sender: 'ship2', id: 'e2', error: 'odd' },
	]);
});

test('the methods of every node say what they take', async () => {
	await using dir = await tempDir();
	const files = new LogFiles({ dataDir: dir.path, maxBytes: 1024, keep: 1 });
	const builtin = new InNodeProcess({
		name: 'builtin',
		definitions: builtinMethods({ files, clock: systemClock, cwd: dir.path, env: {} }),
		node: 'ship1',
		dataDir: dir.path,
		log: recordingLog(),
	});
	await builtin.start();
	expect(builtin.methods.map(({ name, kind }) => [name, kind])).toEqual([
		['shellCommand', 'command'],
		['textLogging', 'event'],
		['errorLog', 'event'],
		['auditLog', 'event'],
		['ping', 'command'],
	]);
	expect(builtin.methods[0]?.dataSchema).toMatchObject({
		anyOf: [{ type: 'array' }, { type: 'object', required: ['command'] }],
	});
	const { signal } = new AbortController();
	expect(
		await builtin.run('ping', { sender: '_operator', id: 'c1', attempt: 1, data: { n: 1 } }, signal),
	).toMatchObject({ outcome: 'succeeded', result: { value: { pong: { n: 1 }, node: 'ship1' } } });
	await expect(builtin.check('nosuch', null)).rejects.toThrow(/no method nosuch/);
});
