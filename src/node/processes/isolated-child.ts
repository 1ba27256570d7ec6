/**
 * Owns the child process that runs a user's module: the entry that the node starts.
 * Promises to answer every check and run that it was asked for, several at once, and to end when the node does.
 * If it dies in the middle, the node sees its end; if the node dies, it takes its whole process group with it
 * (not before its event loop is free: a busy one is ended by the node's next process).
 */

import { isStewardError, messageOf, StewardError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { describeProblems } from '../../domain/validation.ts';
import {
	errorFrom,
	errorRecord,
	type FromChild,
	fromChildSchema,
	type ToChild,
	toChildSchema,
} from './isolated-protocol.ts';
import type { MethodContext, MethodDefinition } from './method.ts';
import { describeMethod, loadMethods, type Methods, problemsOf } from './method-module.ts';
import { runDefinition } from './method-process.ts';

let place = { node: '', dataDir: '' };
let methods: Methods = new Map();
const runs = new Map<number, AbortController>();

/** @throws TypeError for what the node would drop: whoever asked must get an answer. */
function say(message: FromChild, then: () => void = () => undefined): void {
	const parsed = fromChildSchema.safeParse(message);
	if (!parsed.success) {
		const problems = describeProblems(parsed.error, message, []);
		throw new TypeError(`the node cannot take what the module gave: ${problems.join('; ')}`);
	}
	if (process.connected) process.send?.(message, undefined, undefined, then);
}

async function load(module: string): Promise<void> {
	try {
		methods = await loadMethods(module);
		say({ say: 'ready', methods: [...methods.values()].map(describeMethod) });
	} catch (error) {
		const told = isStewardError(error)
			? error
			: new StewardError('invalid', `the module ${module} cannot be used: ${messageOf(error)}`, {
					cause: error,
				});
		say({ say: 'unusable', error: errorRecord(told) });
	}
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
	runs.set(call, abort);
	return answer(call, async () => {
		const context: MethodContext = {
			...place,
			sender: input.sender,
			id: input.id,
			attempt: input.attempt,
			signal: abort.signal,
			log: logToNode({ method, id: input.id }),
		};
		return { say: 'ended', call, outcome: await runDefinition(definition(method), context, input.data) };
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
			say({ say: 'log', level, fields: plainFields({ ...bound, ...fields }), message });
		};
	return {
		debug: at('debug'),
		info: at('info'),
		warn: at('warn'),
		error: at('error'),
		child: (fields) => logToNode({ ...bound, ...fields }),
	};
}

/** A log line must not fail for what is in it. */
function plainFields(fields: Record<string, unknown>): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(fields).map(([key, value]) => {
			const isPlain = ['string', 'number', 'boolean'].includes(typeof value) || value === null;
			return [key, isPlain ? value : errorRecord(value).message];
		}),
	);
}

function crash(error: unknown): void {
	console.error(error);
	say({ say: 'crashed', error: errorRecord(error) }, () => process.exit(1));
	if (!process.connected) process.exit(1);
}

function hear(message: unknown): void {
	const parsed = toChildSchema.safeParse(message);
	if (!parsed.success)
		throw new TypeError('the node said what is not understood here', { cause: parsed.error });
	const request = parsed.data;
	switch (request.say) {
		case 'load':
			place = { node: request.node, dataDir: request.dataDir };
			return void load(request.module);
		case 'check':
			return void answer(request.call, async () => ({
				say: 'checked',
				call: request.call,
				problems: [...(await problemsOf(definition(request.method), request.data))],
			}));
		case 'run':
			return void run(request);
		case 'abort':
			runs.get(request.call)?.abort(errorFrom(request.reason));
			return;
		case 'stop':
			process.exit(0);
			break;
		default:
			request satisfies never;
	}
}

process.on('message', hear);
process.on('uncaughtException', crash);
// The node is gone: so are we, with all that the user's code started.
process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'));
