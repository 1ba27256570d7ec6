/**
 * Owns the inside of the place where a user's module runs: the entry of a child process, and of the threads in one.
 * Promises to answer every check and run that it was asked for, several at once, and to end when the node does.
 * If it dies in the middle, the node sees its end; if the node dies, it takes its whole process group with it
 * (not before its event loop is free: a busy one is ended by the node's next process).
 */

import { fileURLToPath } from 'node:url';
import { systemClock } from '../../base/clock.ts';
import { isStewardError, messageOf, StewardError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { cutText } from '../../base/text.ts';
import { describeProblems, isNestedTooDeep } from '../../domain/validation.ts';
import {
	errorFrom,
	errorRecord,
	type FromChild,
	fromChildSchema,
	type Threads,
	type ToChild,
	toChildSchema,
} from './isolated-protocol.ts';
import { largestMessageBytes } from './json-lines.ts';
import { lineToNode } from './line-to-node.ts';
import { watchBuffers } from './memory-watch.ts';
import type { MethodContext, MethodDefinition } from './method.ts';
import { describeMethod, loadMethods, type Methods, problemsOf } from './method-module.ts';
import { runDefinition } from './method-process.ts';
import { sendableOutcome, sendableProblems } from './outcome-bounds.ts';
import { OutputToNode } from './output-to-node.ts';
import { sendableDescriptions } from './schema-bounds.ts';
import type { WorkerPool } from './worker-pool.ts';

const longestLogText = 4096;
const longestLogField = 1024;
const longestLogKey = 200;
const mostLogFields = 50;

const toNode = lineToNode();
let place = { node: '', dataDir: '' };
let methods: Methods = new Map();
let threads: WorkerPool | undefined;
const runs = new Map<number, { readonly abort: AbortController; readonly output: OutputToNode }>();

/** @throws TypeError for what the node would drop, or end us for: whoever asked must get an answer. */
function say(message: FromChild, then: () => void = () => undefined): void {
	const parsed = fromChildSchema.safeParse(message);
	if (!parsed.success) {
		const problems = describeProblems(parsed.error, message, []);
		throw new TypeError(`the node cannot take what the module gave: ${problems.join('; ')}`);
	}
	if (isNestedTooDeep(message)) throw new TypeError('the module gave what is nested too deep');
	const json = JSON.stringify(message);
	const bytes = Buffer.byteLength(json);
	if (bytes > largestMessageBytes) {
		throw new TypeError(`the module gave ${bytes} bytes at once, and ${largestMessageBytes} are allowed`);
	}
	toNode.post(json, then);
}

async function load(module: string, wanted: Threads | undefined): Promise<void> {
	try {
		if (wanted) return await prepareThreads(module, wanted);
		methods = await loadMethods(module);
		say({ say: 'ready', methods: sendableDescriptions([...methods.values()].map(describeMethod)) });
	} catch (error) {
		const told = isStewardError(error)
			? error
			: new StewardError('invalid', `the module ${module} cannot be used: ${messageOf(error)}`, {
					cause: error,
				});
		say({ say: 'unusable', error: errorRecord(told) });
	}
}

/** The module is loaded in the threads alone: there is nothing in this process that a run could hold up. */
async function prepareThreads(modulePath: string, { count, memoryMb, graceMs }: Threads): Promise<void> {
	const { WorkerPool } = await import('./worker-pool.ts');
	const runnerPath = fileURLToPath(import.meta.url);
	threads = new WorkerPool({
		...{ ...place, modulePath, runnerPath, count, memoryMb, graceMs },
		...{ env: process.env, clock: systemClock, log: logToNode({}) },
	});
	await threads.start();
	say({ say: 'ready', methods: [] });
}

async function answer(call: number, work: () => Promise<FromChild>): Promise<void> {
	try {
		say(await work());
	} catch (error) {
		say({ say: 'threw', call, error: errorRecord(error) });
	} finally {
		runs.delete(call);
	}
}

function run(request: Extract<ToChild, { say: 'run' }>): Promise<void> {
	const { call, method, input } = request;
	const abort = new AbortController();
	const output = new OutputToNode((piece) => say({ say: 'output', call, ...piece }));
	runs.set(call, { abort, output });
	return answer(call, async () => {
		const context: MethodContext = {
			...place,
			sender: input.sender,
			id: input.id,
			attempt: input.attempt,
			signal: abort.signal,
			log: logToNode({ method, id: input.id }),
			output: (chunk, stream = 'stdout') => output.write(chunk, stream),
		};
		try {
			const outcome = threads
				? await threads.run(method, { ...input, output: context.output }, abort.signal)
				: await runDefinition(definition(method), context, input.data);
			return { say: 'ended', call, outcome: sendableOutcome(outcome) };
		} finally {
			// Also what the method did not wait for is said before its end.
			await output.drained();
		}
	});
}

function definition(method: string): MethodDefinition {
	const found = methods.get(method);
	if (found === undefined) throw new Error(`the module has no method ${method}`);
	return found;
}

function logToNode(bound: Record<string, unknown>): Log {
	const at =
		(level: 'debug' | 'info' | 'warn' | 'error') =>
		(first: Record<string, unknown> | string, second = '') => {
			const [fields, message] = typeof first === 'string' ? [{}, first] : [first, second];
			const plain = plainFields({ ...bound, ...fields });
			say({ say: 'log', level, fields: plain, message: cutText(String(message), longestLogText) });
		};
	return {
		debug: at('debug'),
		info: at('info'),
		warn: at('warn'),
		error: at('error'),
		child: (fields) => logToNode({ ...bound, ...fields }),
	};
}

/** A log line must not fail for what is in it, nor for how much of it. */
function plainFields(fields: Record<string, unknown>): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(fields)
			.slice(0, mostLogFields)
			.map(([key, value]) => [cutText(key, longestLogKey), plainField(value)]),
	);
}

function plainField(value: unknown): unknown {
	if (['number', 'boolean'].includes(typeof value) || value === null) return value;
	return cutText(typeof value === 'string' ? value : errorRecord(value).message, longestLogField);
}

function crash(error: unknown): void {
	console.error(error);
	say({ say: 'crashed', error: errorRecord(error) }, () => process.exit(1));
}

function hear(message: unknown): void {
	const parsed = toChildSchema.safeParse(message);
	if (!parsed.success)
		throw new TypeError('the node said what is not understood here', { cause: parsed.error });
	const request = parsed.data;
	switch (request.say) {
		case 'load':
			place = { node: request.node, dataDir: request.dataDir };
			return void load(request.module, request.threads);
		case 'check':
			return void answer(request.call, async () => ({
				say: 'checked',
				call: request.call,
				problems: sendableProblems(await problemsOf(definition(request.method), request.data)),
			}));
		case 'run':
			return void run(request);
		case 'abort':
			runs.get(request.call)?.abort.abort(errorFrom(request.reason));
			return;
		case 'taken':
			runs.get(request.call)?.output.taken(request.piece);
			return;
		case 'stop':
			process.exit(0);
			break;
		default:
			request satisfies never;
	}
}

process.on('uncaughtException', crash);
if (toNode.isThread) watchBuffers(crash);
toNode.listen(hear);
