/**
 * Owns the method `shellCommand`: runs a program, and gives back its exit code and both of its outputs.
 * Promises that no shell reads the words unless the sender names one, and that every process of the run's group is
 * gone when the run has ended: also after an abort, and also what the program left in the background.
 * If the node dies in the middle, the group goes on until the node's next process ends it by the recorded identity.
 */

import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { messageOf, systemCodeOf } from '../../base/errors.ts';
import { outputStreams } from '../../domain/output.ts';
import { emptyResult } from '../../domain/result.ts';
import { describeProblems } from '../../domain/validation.ts';
import { childEnvironment, type Environment, OwnedChild } from '../processes/child-process.ts';
import { runEnvironment } from '../processes/leftover-groups.ts';
import {
	defineMethod,
	ended,
	type MethodContext,
	type MethodDefinition,
	Verdict,
} from '../processes/method.ts';

/** How long a program has between SIGTERM and SIGKILL, where the sender says nothing. */
const defaultGraceMs = 5000;

/** The system ends every string at its first NUL. */
const word = z.string().regex(/^[^\0]*$/, { error: 'expected text without NUL characters' });
const words = z.tuple([word.min(1, { error: 'expected the name of a program' })], word);
const variable = z.string().regex(/^[^\0=]+$/, { error: 'expected a name without "="' });

const fullForm = z.strictObject({
	command: words.describe('The program and its arguments.'),
	cwd: word.min(1).optional().describe('Folder to run in; relative to the one that the node was started in.'),
	env: z.record(variable, word).optional().describe('Added to the environment of the node.'),
	stdin: z.string().optional().describe('Text for its standard input.'),
	grace: z
		.string()
		.refine((text) => parseDuration(text) !== undefined, { error: 'expected a duration such as "5s"' })
		.optional()
		.describe('Time between SIGTERM and SIGKILL when it is to end; "5s" if left out.'),
});

const dataSchema = z.union([words, fullForm], {
	error: (issue) => describeBranch(issue.input, 'errors' in issue ? issue.errors : []),
});

type Data = z.output<typeof dataSchema>;

export type ShellCommandOptions = {
	readonly clock: Clock;
	/** Where programs run: the folder that the node was started in. */
	readonly cwd: string;
	/** The node's environment. */
	readonly env: Environment;
};

/** `shellCommand`: data is `["program", "argument", …]`, or `{ command: […], cwd?, env?, stdin?, grace? }`. */
export function shellCommand(options: ShellCommandOptions): MethodDefinition<Data> {
	return defineMethod({
		name: 'shellCommand',
		kind: 'command',
		data: dataSchema,
		description: 'Runs a program. What it leaves in the background is ended with it.',
		isolate: 'none',
		run: (context, data) => runProgram(options, context, Array.isArray(data) ? { command: data } : data),
	});
}

async function runProgram(
	options: ShellCommandOptions,
	context: MethodContext,
	wish: z.output<typeof fullForm>,
): Promise<Verdict> {
	const { signal, log } = context;
	signal.throwIfAborted();
	const cwd = resolve(options.cwd, wish.cwd ?? '.');
	const env = childEnvironment(options.env, {
		...wish.env,
		STEWARD_NODE: context.node,
		...runEnvironment(context.dataDir, context.id),
		STEWARD_ATTEMPT: String(context.attempt),
	});
	const [program, ...args] = wish.command;
	let child: OwnedChild;
	try {
		const stdin = wish.stdin === undefined ? 'ignore' : 'pipe';
		const started = spawn(program, args, { cwd, env, detached: true, stdio: [stdin, 'pipe', 'pipe'] });
		child = new OwnedChild(started, { clock: options.clock, log });
		// In this turn: what nobody listens to is thrown away as soon as the child has ended.
		for (const name of outputStreams)
			passOn(started[name], child.exited, (chunk) => context.output(chunk, name));
		started.stdin?.end(wish.stdin);
		await child.spawned;
		// Also a program that says nothing has outputs: empty ones.
		await context.output('');
	} catch (error) {
		return notStarted((await folderProblem(cwd)) ?? spawnProblem(error, program, env.PATH));
	}
	const leader = child.identity();
	const graceMs = parseDuration(wish.grace ?? '') ?? defaultGraceMs;
	try {
		await context.recordChild?.(leader);
	} catch (error) {
		await child.end(leader, 0);
		throw error;
	}
	const { code, signal: endedBy } = await child.ended(leader, signal, graceMs);
	// Both outputs are summed up by whoever took them.
	return ended({ ...emptyResult, exitCode: code, signal: endedBy });
}

/** The program waits while its output is on the way to the disk; what it left in the pipe at its end is taken at once. */
function passOn(
	from: Readable | null,
	exited: Promise<unknown>,
	take: (chunk: Buffer) => Promise<void>,
): void {
	let hasExited = false;
	from?.on('data', async (chunk: Buffer) => {
		const taken = take(chunk);
		if (hasExited) return;
		from.pause();
		await taken;
		from.resume();
	});
	void exited.then(() => {
		hasExited = true;
		from?.resume();
	});
}

function notStarted(message: string): Verdict {
	return new Verdict({ outcome: 'failed', result: emptyResult, fault: { code: 'spawn', message } });
}

/** Looked at only after a failed start: the system gives the same codes for the folder and for the program. */
async function folderProblem(path: string): Promise<string | undefined> {
	try {
		return (await stat(path)).isDirectory() ? undefined : `data.cwd: "${path}" is not a folder on the node`;
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return `data.cwd: folder "${path}" does not exist on the node`;
		return `data.cwd: folder "${path}" cannot be used on the node: ${messageOf(error)}`;
	}
}

function spawnProblem(error: unknown, program: string, path: string | undefined): string {
	const isPath = program.includes('/');
	switch (systemCodeOf(error)) {
		case 'ENOENT':
			return isPath
				? `data.command: program "${program}" does not exist on the node, or its interpreter does not`
				: `data.command: program "${program}" not found on the node's PATH (${path ?? 'not set'}); install it there, or give its full path`;
		case 'EACCES':
			return `data.command: the node may not run "${program}": not executable, or a folder above it or data.cwd is closed to the node's user`;
		case 'E2BIG':
			return 'data.command: the arguments are longer than the system takes; pass what is long in data.stdin';
		default:
			return `data.command: program "${program}" could not be started: ${messageOf(error)}`;
	}
}

/** The problems of the form that was meant: a union by itself only says that neither fits. */
function describeBranch(input: unknown, branches: readonly z.core.$ZodIssue[][]): string {
	const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
	const branch = branches[isObject ? 1 : 0];
	if (branch === undefined || (!isObject && !Array.isArray(input))) {
		return 'expected ["program", "argument", …] or { "command": ["program", …], "cwd"?, "env"?, "stdin"?, "grace"? }';
	}
	return describeProblems(new z.ZodError(branch), input, Object.keys(fullForm.shape)).join('; ');
}
