/**
 * Owns the command line as a whole: its groups of commands, its help, and how its errors are told.
 * Promises that nothing but commander is loaded before a command runs, so that help and errors of usage are quick.
 * Has no state.
 */

import { Command, CommanderError } from 'commander';
import type { Cli } from './cli.ts';
import { exitCodes, exitCodeTexts } from './exit-codes.ts';
import { reportError } from './report.ts';
import { addActs } from './syntax/act.ts';
import { addBench } from './syntax/bench.ts';
import { addDead } from './syntax/dead.ts';
import { addKeeping } from './syntax/keeping.ts';
import { addKeys } from './syntax/keys.ts';
import { addLogs } from './syntax/logs.ts';
import { addNodes } from './syntax/nodes.ts';
import { addQuestions } from './syntax/questions.ts';
import { addSchedules } from './syntax/schedules.ts';
import { addSend } from './syntax/send.ts';
import { addServices } from './syntax/services.ts';
import { addSetup } from './syntax/setup.ts';
import type { Done } from './syntax/shared.ts';
import { addTokens } from './syntax/tokens.ts';
import { addAccess, addTrust } from './syntax/trust.ts';
import { addWatching } from './syntax/watching.ts';

/** Runs one command line and gives its exit code. `words` are the arguments after the program's name. */
export async function runProgram(cli: Cli, words: readonly string[]): Promise<number> {
	const end = words.indexOf('--');
	const asJson = (end < 0 ? words : words.slice(0, end)).includes('--json');
	let exitCode: number = exitCodes.done;
	const after = end < 0 ? 0 : words.length - end - 1;
	const done = (code: number) => {
		exitCode = code;
	};
	const program = buildProgram(cli, { asJson, done, after });
	try {
		await program.parseAsync([...words], { from: 'user' });
		return exitCode;
	} catch (error) {
		if (!(error instanceof CommanderError)) return reportError(cli, error, asJson);
		if (error.exitCode === 0) return exitCodes.done;
		if (asJson) {
			const message = error.message.replace(/^error: /, '');
			cli.stderr.line(JSON.stringify({ error: { code: 'usage', message, details: {} } }));
		}
		return exitCodes.usage;
	}
}

/** `after`: how many words stand after "--", which commander does not tell. */
type Line = { readonly asJson: boolean; readonly done: Done; readonly after: number };

function buildProgram(cli: Cli, { asJson, done, after }: Line): Command {
	const program = new Command('steward')
		.description(
			'Queue a command for a machine that is not there, and know at every moment what became of it.',
		)
		.version(cli.version)
		.exitOverride()
		.configureOutput({
			writeOut: (text) => cli.stdout.raw(text),
			writeErr: (text) => cli.stderr.raw(text),
			outputError: (text, write) => {
				if (!asJson) write(text);
			},
			getOutHelpWidth: () => Math.min(cli.stdout.columns, 110),
			getErrHelpWidth: () => Math.min(cli.stderr.columns, 110),
		})
		.addHelpText('after', epilogue());
	addServices(program, cli, done);
	addSetup(program, cli, done);
	addKeeping(program, cli, done);
	addKeys(program, cli, done);
	addSend(program, cli, done, after);
	addQuestions(program, cli, done);
	addWatching(program, cli, done);
	addLogs(program, cli, done);
	addActs(program, cli, done);
	addNodes(program, cli, done);
	addDead(program, cli, done);
	addSchedules(program, cli, done, after);
	addTrust(program, cli, done);
	addAccess(program, cli, done);
	addTokens(program, cli, done);
	addBench(program, cli, done);
	return program;
}

function epilogue(): string {
	const codes = exitCodeTexts.map(([code, text]) => `  ${String(code).padStart(2)}  ${text}`);
	return `
Begin with:
  steward up                                             broker, centre and a node in one process
  steward send central shellCommand --wait -- echo hello

Settings, each stronger than the one before: the file ~/.config/steward/config.yaml (or --config, STEWARD_CONFIG);
STEWARD_SERVERS, STEWARD_DOMAIN, STEWARD_DATA, STEWARD_KEYS, STEWARD_LOG; options. Without any: nats://127.0.0.1:4222, ~/.local/share/steward.

Exit codes:
${codes.join('\n')}`;
}
