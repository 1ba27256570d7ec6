import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Cli } from '../../../src/cli/cli.ts';
import { readForms, type SendOptions } from '../../../src/cli/commands/send-form.ts';
import { addSend } from '../../../src/cli/syntax/send.ts';
import { parseMessage } from '../../../src/domain/message.ts';
import { linesAbout, scheduleLine, sendLine } from '../../../src/http/web/command/as-cli.ts';
import type { Form } from '../../../src/http/web/send/draft.ts';
import { keptScreen } from '../../support/screen.ts';

/** The words that a real shell makes of the line. */
function wordsOf(line: string): string[] {
	const { stdout } = spawnSync('sh', ['-c', `set -- ${line}\nprintf '%s\\0' "$@"`]);
	return stdout.toString().split('\0').slice(0, -1);
}

/** The form that the command line itself makes of the words. */
async function formOf(words: readonly string[]): Promise<unknown> {
	const cli: Cli = {
		...{
			cwd: '/',
			version: '0',
			program: 'steward',
			timeZone: 'UTC',
			stdout: keptScreen(),
			stderr: keptScreen(),
		},
		...{ env: {}, readStdin: async () => '', clock: systemClock },
		...{ onSignal: () => () => undefined, endAtOnce: () => undefined },
	};
	const program = new Command('steward').exitOverride();
	addSend(program, cli, () => undefined, 0);
	let found: unknown;
	program.commands[0]?.action(
		async (nodes: string | undefined, method: string | undefined, data: string[], flags: SendOptions) => {
			const { forms } = await readForms(
				cli,
				[nodes, method, ...data].filter((word) => word !== undefined),
				flags,
			);
			found = forms[0];
		},
	);
	await program.parseAsync(words.slice(1), { from: 'user' });
	return found;
}

const text = fc.string({
	unit: fc.constantFrom('a', 'B', ' ', "'", '"', '$', '\\', '-', '船', '\n'),
	maxLength: 8,
});
const forms = fc.record(
	{
		target: fc.constantFrom<Form>(
			{ toNode: 'ship1' },
			{ toNodes: ['ship1', 'ship2'] },
			{ where: { role: 'tug', fleet: 'north' } },
		),
		data: fc.oneof(
			fc.array(text, { minLength: 1, maxLength: 4 }),
			fc.dictionary(text, fc.integer()),
			fc.constant(null),
			fc.constant([]),
		),
		lane: fc.constantFrom('urgent', 'bulk'),
		deliverWithin: fc.constantFrom('never', '1h'),
		runFor: fc.constant('5m'),
		attempts: fc.integer({ min: 1, max: 9 }),
		backoff: fc.constantFrom<unknown>(
			'fixed',
			{ kind: 'exponential', initial: '2s' },
			{ initial: '1s', cap: '5m', jitter: 0.5 },
		),
		onInterrupt: fc.constant('rerun'),
		patience: fc.constant('2d'),
		whenAbsent: fc.constant('skip'),
		id: fc.constant('my-id_1'),
		time: fc.constantFrom<Form>(
			{ notBefore: '2026-12-24T08:00', timeZone: 'Europe/Oslo' },
			{ notBefore: '2026-12-24T08:00:00Z' },
		),
	},
	{ requiredKeys: ['target', 'data'] },
);

describe('copy as CLI', () => {
	test('means the same message, by the words of a real shell and the options of the real command line', async () => {
		for (const { target, time, ...rest } of fc.sample(forms, 60)) {
			const form = { ...target, method: 'shellCommand', commandOrEvent: 'command', ...rest, ...time };
			const typed = await formOf(wordsOf(sendLine(form)));
			expect(parseMessage(typed)).toEqual(parseMessage(form));
		}
	});

	test('says that it is an event', async () => {
		const form = { toNode: 'central', method: 'textLogging', kind: 'event', data: ['engine is warm'] };
		expect(sendLine(form)).toBe("steward send central textLogging --event -- 'engine is warm'");
		expect(parseMessage(await formOf(wordsOf(sendLine(form))))).toEqual(parseMessage(form));
	});

	test('is about a command, as far as it has come', () => {
		const lines = (ended: boolean, kind: 'command' | 'event' = 'command') =>
			linesAbout({ handle: 'ship1.x', kind }, { ended, form: undefined }).map(({ line }) => line);
		expect(lines(false)).toEqual([
			'steward show --history ship1.x',
			'steward why ship1.x',
			'steward logs --follow ship1.x',
			'steward cancel ship1.x',
		]);
		expect(lines(true)).toContain('steward retry ship1.x');
		expect(lines(true, 'event')).toEqual(['steward show --history ship1.x']);
	});

	test('gives a schedule to the command line as it is, whatever is in it', () => {
		const form = { name: 'x', note: "it's $HOME\nEND of `it`" };
		const said = spawnSync('sh', ['-c', scheduleLine(form).replace('steward schedules add --file -', 'cat')]);
		expect(JSON.parse(said.stdout.toString())).toEqual(form);
	});
});
