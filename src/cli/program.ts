/**
 * Owns the command line as a whole: which commands and options there are, and their help.
 * Promises that nothing but commander is loaded before a command runs, so that help and errors of usage are quick.
 * Has no state.
 */

import { Command, CommanderError } from 'commander';
import type { Cli } from './cli.ts';
import type { AskFlags, ListFlags } from './commands/ask.ts';
import type { SendFlags } from './commands/send.ts';
import type { CentralFlags, NodeFlags, UpFlags } from './commands/services.ts';
import { exitCodes, exitCodeTexts } from './exit-codes.ts';
import { reportError } from './report.ts';

/** Runs one command line and gives its exit code. `words` are the arguments after the program's name. */
export async function runProgram(cli: Cli, words: readonly string[]): Promise<number> {
	const end = words.indexOf('--');
	const asJson = (end < 0 ? words : words.slice(0, end)).includes('--json');
	let exitCode: number = exitCodes.done;
	const program = buildProgram(cli, asJson, (code) => {
		exitCode = code;
	});
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

type Done = (code: number) => void;

function buildProgram(cli: Cli, asJson: boolean, done: Done): Command {
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
	addSend(program, cli, done);
	addQuestions(program, cli, done);
	return program;
}

function epilogue(): string {
	const codes = exitCodeTexts.map(([code, text]) => `  ${String(code).padStart(2)}  ${text}`);
	return `
Begin with:
  steward up                                             broker, centre and a node in one process
  steward send central shellCommand --wait -- echo hello

Settings, each stronger than the one before: the file ~/.config/steward/config.yaml (or --config, STEWARD_CONFIG);
STEWARD_SERVERS, STEWARD_DATA, STEWARD_LOG; options. Without any: nats://127.0.0.1:4222, ~/.local/share/steward.

Exit codes:
${codes.join('\n')}`;
}

/** Examples under a command's help. */
function examples(...lines: readonly string[]): string {
	return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

const logLevels = 'debug, info, warn, error or silent';

function addServices(program: Command, cli: Cli, done: Done): void {
	const services = () => import('./commands/services.ts');
	serviceOptions(program.command('up'))
		.summary('run broker, centre and the node central in one process')
		.description('Runs broker, centre and the node central in one process, until SIGINT or SIGTERM.')
		.option('--port <port>', "the broker's port, 0 picks a free one (4222)")
		.option('--shards <count>', 'streams that the commands are spread over; fixed by the first start (1)')
		.option('--labels <k=v,…>', 'labels of the node central')
		.option('--inmsg <file>', 'its watched file of messages (inmsg.txt in its data folder)')
		.addHelpText('after', examples('steward up', 'steward up --data ./data --port 4333'))
		.action(async (flags: UpFlags) => done(await (await services()).up(cli, flags)));
	serviceOptions(brokerOptions(program.command('central')))
		.summary('run a centre on a broker that is there')
		.description('Runs a centre, without broker and node. Several may run: one leads, the others stand by.')
		.option('--shards <count>', 'as in steward init')
		.addHelpText('after', examples('steward central --servers nats://hub.example:4222'))
		.action(async (flags: CentralFlags) => done(await (await services()).central(cli, flags)));
	serviceOptions(brokerOptions(program.command('node')))
		.summary('run a node on this machine')
		.description(
			'Runs a node. It may start without a link, and keeps what it owes on its disk until there is one.',
		)
		.option('--node <name>', 'its name, for example ship1')
		.option('--labels <k=v,…>', 'what --where of send selects by')
		.option('--inmsg <file>', 'watched file of messages (inmsg.txt in its data folder)')
		.addHelpText(
			'after',
			examples(
				'steward node --node ship1',
				'steward node --node ship1 --servers nats://hub.example:4222 --labels role=tug,port=hamburg',
			),
		)
		.action(async (flags: NodeFlags) => done(await (await services()).runNode(cli, flags)));
}

function addSetup(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('init')))
		.summary("make steward's streams on a broker")
		.description(
			"Makes steward's streams on a broker. Safe to run again; up and central do it by themselves.",
		)
		.option('--shards <count>', 'streams that the commands are spread over; fixed by the first time (1)')
		.option('--budget <size>', 'room of all streams on disk together, such as 8GiB')
		.addHelpText('after', examples('steward init', 'steward init --shards 16   # from a thousand nodes on'))
		.action(async (flags) => done(await (await import('./commands/streams.ts')).init(cli, flags)));
	const streams = program
		.command('streams')
		.summary('show what the broker holds')
		.description("Shows steward's streams on the broker; ls if nothing else is said.");
	jsonOption(brokerOptions(streams.command('ls', { isDefault: true })))
		.description('Lists the streams: how much they hold, and of how much.')
		.action(async (flags: AskFlags) =>
			done(await (await import('./commands/streams.ts')).listStreams(cli, flags)),
		);
}

function addSend(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('send')))
		.summary('send a command (or an event) to nodes, there or not')
		.description(
			'Sends a command to one node or to many. It is queued when the broker has it on disk, and runs when its node is there. ' +
				'When no broker answers, a node on this machine takes it.',
		)
		.usage('<node[,node…]> <method> [options] [-- data…]')
		.argument('[nodes]', 'names of nodes; left out with --where and --file')
		.argument('[method]', 'for example shellCommand, ping, textLogging')
		.argument('[data...]', 'words after "--": the data, as an array of strings')
		.option('--data <json>', 'the data, as any JSON')
		.option('--file <file>', 'the whole message as JSON, or an array of messages; "-" is stdin')
		.option('--event', 'an event: delivered and acknowledged, without an outcome')
		.option('--where <k=v,…>', 'every node with these labels, instead of names')
		.option('--id <id>', 'an id of your own: sent again with it, the command is there once')
		.option('--lane <lane>', 'urgent, normal or bulk')
		.option('--deliver-within <time>', 'longest wait for a start, or never (7d)')
		.option('--run-for <time>', 'longest run (10m)')
		.option('--attempts <number>', 'starts at the most (1)')
		.option('--backoff <kind>', 'wait between attempts: fixed or exponential')
		.option('--on-interrupt <policy>', 'its node dies in the middle: report or rerun (report)')
		.option('--when-absent <policy>', 'a node is not present: queue, skip or reject (queue)')
		.option('--wait', 'wait for the end, and print the output')
		.option('--timeout <time>', 'with --wait: longest wait, such as 30s')
		.addHelpText(
			'after',
			examples(
				'steward send ship1 shellCommand -- uname -a',
				"steward send ship1,ship2 shellCommand --wait --timeout 30s -- bash -c 'ls -l | head'",
				'steward send --where role=tug shellCommand --when-absent skip -- systemctl restart radio',
				'steward send ship1 shellCommand --deliver-within 1h --run-for 5m --attempts 3 -- ./backup',
				'steward send ship1 ping --data \'{"n":1}\' --wait',
				'steward send central textLogging --event -- "engine is warm"',
				'steward send --file messages.json',
			),
		)
		.action(
			async (nodes: string | undefined, method: string | undefined, data: string[], flags: SendFlags) => {
				const words = [nodes, method, ...data].filter((word) => word !== undefined);
				done(await (await import('./commands/send.ts')).send(cli, words, flags));
			},
		);
}

function addQuestions(program: Command, cli: Cli, done: Done): void {
	const ask = () => import('./commands/ask.ts');
	const nodes = () => import('./commands/nodes.ts');
	jsonOption(brokerOptions(program.command('show')))
		.summary('show what became of commands')
		.description('Shows what became of commands: state, times, attempts, output. Needs no centre.')
		.argument('<handle...>', 'as send printed it: <node>.<id>')
		.addHelpText('after', examples('steward show ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8'))
		.action(async (handles: string[], flags: AskFlags) =>
			done(await (await ask()).show(cli, handles, flags)),
		);
	jsonOption(brokerOptions(program.command('wait')))
		.summary('wait until commands have ended')
		.description('Waits until commands have ended. Exit code 1 if one did not succeed. Needs no centre.')
		.argument('<handle...>', 'as send printed it: <node>.<id>')
		.option('--timeout <time>', 'longest wait, such as 30s; exit code 5 when it is over')
		.addHelpText('after', examples('steward wait ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8 --timeout 1h'))
		.action(async (handles: string[], flags: AskFlags & { timeout?: string }) =>
			done(await (await ask()).wait(cli, handles, flags)),
		);
	jsonOption(brokerOptions(program.command('list')))
		.summary('list commands, newest first')
		.description('Lists commands, newest first. Needs a centre.')
		.option('--node <name>', 'of one node')
		.option('--state <states>', 'in one of these states, such as queued,running')
		.option('--since <time>', 'queued since then: 1h, or 2026-11-22T10:00:00Z')
		.option('--limit <number>', 'this many at most (50)')
		.addHelpText('after', examples('steward list --node ship1 --state failed,timedOut --since 1d'))
		.action(async (flags: ListFlags) => done(await (await ask()).list(cli, flags)));
	jsonOption(brokerOptions(program.command('queue')))
		.summary('show what waits for a node or runs there')
		.description('Shows what waits for a node or runs there, lane by lane, in order. Needs a centre.')
		.argument('<node>')
		.addHelpText('after', examples('steward queue ship1'))
		.action(async (node: string, flags: AskFlags) => done(await (await ask()).queue(cli, node, flags)));
	const group = program
		.command('nodes')
		.summary('show nodes: who is there, and what they say')
		.description('Shows nodes: who is there, and what they say; ls if nothing else is said.');
	jsonOption(brokerOptions(group.command('ls', { isDefault: true })))
		.description('Lists all nodes that were ever heard of, or that something waits for. Needs a centre.')
		.action(async (flags: AskFlags) => done(await (await nodes()).listNodes(cli, flags)));
	jsonOption(brokerOptions(group.command('show')))
		.description('Shows one node: presence, lanes, methods, what runs. Needs a centre.')
		.argument('<node>')
		.addHelpText('after', examples('steward nodes show ship1'))
		.action(async (node: string, flags: AskFlags) => done(await (await nodes()).showNode(cli, node, flags)));
}

function brokerOptions(command: Command): Command {
	return command
		.option('--servers <urls>', 'addresses of the broker (nats://127.0.0.1:4222)')
		.option('--config <file>', 'config file, YAML or JSON');
}

function jsonOption(command: Command): Command {
	return command.option('--json', 'machine-readable, also for errors (docs/json.md)');
}

function serviceOptions(command: Command): Command {
	return command
		.option('--data <dir>', 'data folder (~/.local/share/steward)')
		.option('--log-level <level>', `${logLevels} (info)`);
}
