import { execFileSync } from 'node:child_process';
import { appendFile, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isStewardError } from '../../../src/base/errors.ts';
import { LogFiles } from '../../../src/node/methods/log-files.ts';
import { textLogging } from '../../../src/node/methods/text-logging.ts';
import { InNodeProcess } from '../../../src/node/processes/method-process.ts';
import { stressLifecycle } from '../../support/lifecycle.ts';
import { recordingLog } from '../../support/log.ts';
import { tempDir } from '../../support/temp.ts';

async function logging(options: { maxBytes?: number; keep?: number; maxOpen?: number } = {}) {
	const dir = await tempDir();
	const files = new LogFiles({ dataDir: dir.path, maxBytes: 1024 * 1024, keep: 2, ...options });
	const builtin = new InNodeProcess({
		name: 'builtin',
		definitions: [textLogging(files)],
		node: 'central',
		dataDir: dir.path,
		log: recordingLog(),
	});
	await files.start();
	await builtin.start();
	const { signal } = new AbortController();
	const folder = join(dir.path, 'logs');
	return {
		files,
		folder,
		path: (name: string) => join(folder, name),
		read: (name: string) => readFile(join(folder, name), 'utf8'),
		check: (data: unknown) => builtin.check('textLogging', data),
		send: (sender: string, data: unknown) =>
			builtin.run('textLogging', { sender, id: 'e1', attempt: 1, data }, signal),
		async [Symbol.asyncDispose]() {
			await files.stop();
			await dir[Symbol.asyncDispose]();
		},
	};
}

describe('textLogging', () => {
	test('appends to one file for each sender, every message on a line of its own', async () => {
		await using log = await logging();
		await log.send('ship1', ['some message\n']);
		await log.send('ship1', ['no newline', 'two\nlines']);
		await log.send('ship2', 'one text');
		await log.send('_operator', ['']);
		await log.send('_raw', []);
		expect(await log.read('ship1.log')).toBe('some message\nno newline\ntwo\\nlines\n');
		expect(await log.read('ship2.log')).toBe('one text\n');
		expect(await log.read('_operator.log')).toBe('\n');
		expect((await readdir(log.folder)).toSorted()).toEqual(['_operator.log', 'ship1.log', 'ship2.log']);
	});

	test('takes texts only', async () => {
		await using log = await logging();
		expect(await log.check(['a', 'b'])).toEqual([]);
		expect(await log.check('a')).toEqual([]);
		expect((await log.check([1])).join()).toMatch(/expected text, or an array of texts/);
		expect((await log.check(null)).join()).toMatch(/expected text/);
	});

	test.each(['../ship1', 'a/b', '.', '', '_other', 'a.log', '12'])(
		'the sender "%s" gets no file',
		async (sender) => {
			await using log = await logging();
			await expect(log.send(sender, 'x')).rejects.toSatisfy((error) => isStewardError(error, 'invalid'));
			expect(await readdir(log.folder)).toEqual([]);
		},
	);

	test('a thousand appends at once come whole, each sender in order', async () => {
		await using log = await logging();
		const sent = Array.from({ length: 1000 }, (_, index) => log.send(`ship${index % 2}`, [`line ${index}`]));
		await Promise.all(sent);
		for (const parity of [0, 1]) {
			const lines = (await log.read(`ship${parity}.log`)).trimEnd().split('\n');
			expect(lines).toEqual(Array.from({ length: 500 }, (_, index) => `line ${2 * index + parity}`));
		}
	});

	test('sets a full file aside under a number, and keeps as many as it is told', async () => {
		await using log = await logging({ maxBytes: 20, keep: 2 });
		for (let index = 0; index < 7; index += 1) await log.send('ship1', [`message ${index}`]);
		expect(await log.read('ship1.log')).toBe('message 6\n');
		expect(await log.read('ship1.log.1')).toBe('message 4\nmessage 5\n');
		expect(await log.read('ship1.log.2')).toBe('message 2\nmessage 3\n');
		expect(await readdir(log.folder)).toHaveLength(3);
	});

	test('appends at once are spread over the files without a loss', async () => {
		await using log = await logging({ maxBytes: 100, keep: 50 });
		await Promise.all(Array.from({ length: 100 }, (_, index) => log.send('ship1', [`message ${index}`])));
		const names = await readdir(log.folder);
		const texts = await Promise.all(names.map((name) => log.read(name)));
		expect(texts.every((text) => text.length <= 100)).toBe(true);
		expect(texts.join('').trimEnd().split('\n').toSorted()).toEqual(
			Array.from({ length: 100 }, (_, index) => `message ${index}`).toSorted(),
		);
	});

	test('appends at once are one write from the first on, as far as the file takes them', async () => {
		await using log = await logging({ maxBytes: 25 });
		await Promise.all([0, 1, 2].map((index) => log.send('ship1', [`message ${index}`])));
		// A write that does not fit goes to a new file, whole.
		expect(await log.read('ship1.log.1')).toBe('message 0\nmessage 1\n');
		expect(await log.read('ship1.log')).toBe('message 2\n');
	});

	test('keeps no old file where it is told so, and one long message whole', async () => {
		await using log = await logging({ maxBytes: 10, keep: 0 });
		await log.send('ship1', ['short']);
		await log.send('ship1', ['longer than ten']);
		expect(await readdir(log.folder)).toEqual(['ship1.log']);
		expect(await log.read('ship1.log')).toBe('longer than ten\n');
	});

	test('a line that a crash has torn does not run into the next one', async () => {
		await using log = await logging();
		await writeFile(log.path('ship1.log'), 'whole\ntor');
		await log.send('ship1', ['next']);
		expect(await log.read('ship1.log')).toBe('whole\ntor\nnext\n');
	});

	test('goes on in a new file when somebody removed, moved or emptied the old one', async () => {
		await using log = await logging();
		await log.send('ship1', ['one']);
		await rm(log.path('ship1.log'));
		await log.send('ship1', ['two']);
		expect(await log.read('ship1.log')).toBe('two\n');
		await rename(log.path('ship1.log'), log.path('moved'));
		await log.send('ship1', ['three']);
		expect(await log.read('ship1.log')).toBe('three\n');
		await writeFile(log.path('ship1.log'), '');
		await log.send('ship1', ['four']);
		await appendFile(log.path('ship1.log'), 'by hand\n');
		await log.send('ship1', ['five']);
		expect(await log.read('ship1.log')).toBe('four\nby hand\nfive\n');
	});

	test('keeps a bounded number of files open, and none when it has stopped', async () => {
		await using log = await logging({ maxOpen: 3 });
		const all = (text: string) =>
			Promise.all(Array.from({ length: 40 }, (_, index) => log.send(`ship${index}`, [text])));
		await all('first');
		for (let index = 0; index < 40; index += 1) await log.send(`ship${index}`, ['second']);
		expect(log.files.open).toBeLessThanOrEqual(3);
		await all('third');
		for (let index = 0; index < 40; index += 1) {
			expect(await log.read(`ship${index}.log`)).toBe('first\nsecond\nthird\n');
		}
		await log.files.stop();
		expect(log.files.open).toBe(0);
		await expect(log.send('ship1', 'x')).rejects.toSatisfy((error) => isStewardError(error, 'storage'));
	});

	test('tells every sender that waits when the disk refuses, and goes on when it is back', async () => {
		await using log = await logging();
		await log.send('ship1', ['one']);
		await log.files.stop();
		await log.files.start();
		await rename(log.folder, `${log.folder}.away`);
		const refused = await Promise.allSettled([log.send('ship1', 'two'), log.send('ship1', 'three')]);
		for (const result of refused) {
			expect(result).toMatchObject({ status: 'rejected', reason: { code: 'storage' } });
		}
		await rename(`${log.folder}.away`, log.folder);
		await log.send('ship1', ['four']);
		expect(await log.read('ship1.log')).toBe('one\nfour\n');
	});

	test.each([
		['a newline', 'warm\n2026-01-01 ship1: all is well'],
		['a carriage return', 'warm\rcold'],
		['both, in the middle', 'warm\r\ncold'],
		['the next line of C1', 'warm\u0085cold'],
		['the separators of Unicode', 'warm\u2028cold\u2029colder'],
		['NUL, form feed and vertical tab', 'warm\u0000\f\u000bcold'],
		['an escape', 'warm\u001b[1A\u001b[2Kcold'],
	])('a text with %s makes one line, and no other', async (_, text) => {
		await using log = await logging();
		await log.send('ship1', ['before', text, `${text}\n`, 'after']);
		const lines = (await log.read('ship1.log')).split(/[\r\n\f\u000b\u0085\u2028\u2029]/);
		expect(lines).toHaveLength(5);
		expect(lines[0]).toBe('before');
		expect(lines[1]).toMatch(/^warm\\/);
		expect(lines[2]).toBe(lines[1]);
		expect(lines.slice(3)).toEqual(['after', '']);
		// Control: written as it is, it would have been more, or have steered whoever looks at it.
		expect(/[\u0000-\u001f\u0085\u2028]/.test(text)).toBe(true);
		expect(lines.join('')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
	});

	test('an error stays one line for readers that end lines elsewhere', async () => {
		await using log = await logging();
		const line = JSON.stringify({ message: 'a\u2028{"sender":"ship2"}\u0085b\u001b[2J' });
		await log.files.appendError(line);
		const text = await log.read('errors.jsonl');
		expect(text.trimEnd()).not.toMatch(/[\r\n\u0085\u2028\u001b]/);
		expect(JSON.parse(text)).toEqual(JSON.parse(line));
	});

	test('a link in the folder is not followed, nor is a pipe written to', async () => {
		await using log = await logging();
		const victim = join(dirname(log.folder), 'victim');
		await writeFile(victim, 'mine\n');
		await symlink(victim, log.path('ship1.log'));
		await symlink(join(dirname(log.folder), 'not there yet'), log.path('ship2.log'));
		execFileSync('bash', ['-c', 'mkfifo "$0"', log.path('ship3.log')]);
		// Control: whoever opens it by its name writes there.
		await appendFile(log.path('ship1.log'), 'by name\n');
		expect(await readFile(victim, 'utf8')).toBe('mine\nby name\n');
		for (const sender of ['ship1', 'ship2', 'ship3']) {
			await expect(log.send(sender, 'x')).rejects.toMatchObject({ code: 'storage' });
		}
		await expect(log.send('ship1', 'x')).rejects.toThrow(/symbolic link/);
		expect(await readFile(victim, 'utf8')).toBe('mine\nby name\n');
		expect(await readdir(dirname(log.folder))).not.toContain('not there yet');
		await rm(log.path('ship1.log'));
		await log.send('ship1', 'next');
		expect(await log.read('ship1.log')).toBe('next\n');
		// Put there while the file was open, it takes nothing either.
		await rename(log.path('ship1.log'), log.path('moved'));
		await symlink(victim, log.path('ship1.log'));
		await expect(log.send('ship1', 'x')).rejects.toMatchObject({ code: 'storage' });
		expect(await readFile(victim, 'utf8')).toBe('mine\nby name\n');
	});

	test('may be started and stopped by anybody in any order', async () => {
		await using dir = await tempDir();
		await stressLifecycle(() => new LogFiles({ dataDir: dir.path, maxBytes: 1000, keep: 1 }));
	});
});
