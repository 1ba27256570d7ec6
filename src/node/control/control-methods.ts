/**
 * Owns the methods of the control lane: what the centre's side may ask of this node itself.
 * Promises that each does its work at once and answers with what it did, so that the lane never waits for one for long; what
 * the node does not have, it says. They run under the journal as all methods do; doing one of them twice does no harm.
 */

import { isStewardError } from '../../base/errors.ts';
import {
	type Control,
	type ControlAnswer,
	type ControlName,
	controls,
	type PausableLane,
	pausableLanes,
} from '../../domain/control.ts';
import { type DocumentKind, documentKinds, type SignedDocument } from '../../domain/document.ts';
import type { Lane } from '../../domain/names.ts';
import type { Closed } from '../../domain/wire.ts';
import { defineMethod, failed, type MethodDefinition, type Verdict } from '../processes/method.ts';
import type { NodeSchedules } from '../schedules/node-schedules.ts';
import type { TrustDocuments } from '../trust/documents.ts';
import type { Pauses } from './pauses.ts';

/** What a wish to call a command off met: it is being aborted, it ended by that, it had ended, or it is not here yet. */
export type CalledOff = 'aborting' | 'cancelled' | 'tooLate' | 'noted';

/** A process that was to be started again: all of its methods, and whether it is up. */
export type Woken = { readonly methods: readonly string[]; readonly isUp: boolean };

export type ControlMethodsOptions = {
	readonly pauses: Pauses;
	/** Those that this node has. */
	readonly lanes: () => readonly Lane[];
	readonly callOff: (id: string, queuedAt: number, closed: Closed) => Promise<CalledOff>;
	/** Starts the process of a method again, if it rests; undefined for a method that is not there. */
	readonly wake: (method: string) => Promise<Woken | undefined>;
	/** A sentence for whoever names a method that is not there, else undefined. */
	readonly whyUnknown: (method: string) => string | undefined;
	readonly schedules: Pick<NodeSchedules, 'put' | 'remove'>;
	readonly documents: Pick<TrustDocuments, 'take'>;
	/** Ids of what runs now, this lane apart. */
	readonly running: () => readonly string[];
};

/** A node that dies in the middle does it again: nobody asks for it a second time. */
const againAfterDeath = { onInterrupt: 'rerun', attempts: 5 } as const;

export function controlMethods(options: ControlMethodsOptions): readonly MethodDefinition[] {
	const { pauses, callOff, whyUnknown, running, schedules } = options;
	return [
		control('cancel', async ({ id, queuedAt, by, reason }) => ({
			command: await callOff(id, queuedAt, { reason, actor: by }),
		})),
		control('pause', async ({ lanes, by, reason }) => {
			const absent = absentOf(options, lanes);
			if (absent.length === lanes.length) return noSuchLane(options, absent);
			await pauses.pauseLanes(lanes, { by, reason });
			const paused = lanes.filter((lane) => !absent.includes(lane));
			return { paused, absent, running: running() } satisfies ControlAnswer<'pause'>;
		}),
		control('drain', async ({ by, reason }) => {
			pauses.drain({ by, reason });
			return { running: running() } satisfies ControlAnswer<'drain'>;
		}),
		control('stop', async ({ method, by, reason }) => {
			const problem = whyUnknown(method);
			if (problem !== undefined) return failed(problem);
			await pauses.stopMethod(method, { by, reason });
			return { stopped: method, running: running() } satisfies ControlAnswer<'stop'>;
		}),
		control('resume', (wish) => resume(options, wish)),
		control(
			'schedule',
			async (wish) => {
				try {
					return await schedules.put(wish);
				} catch (error) {
					if (isStewardError(error, 'invalid')) return failed(error.message, error.details);
					throw error;
				}
			},
			againAfterDeath,
		),
		control('unschedule', (wish) => schedules.remove(wish), againAfterDeath),
		...documentKinds.map((kind) =>
			control(kind, ({ documents }) => takeDocuments(options, kind, documents), againAfterDeath),
		),
	] as MethodDefinition[];
}

/** The last one is what is meant; those before it lead to its roots. */
async function takeDocuments(
	{ documents: kept }: ControlMethodsOptions,
	kind: DocumentKind,
	documents: readonly SignedDocument[],
): Promise<ControlAnswer<DocumentKind> | Verdict> {
	const { inEffect, judgement } = await kept.take(kind, documents);
	if (judgement.verdict === 'refused') return failed(judgement.why, { inEffect });
	return { version: documents.at(-1)?.version ?? 0, inEffect };
}

/** Of what was named; of all where nothing was. */
async function resume(
	options: ControlMethodsOptions,
	{ lanes, method }: Control<'resume'>,
): Promise<ControlAnswer<'resume'> | Verdict> {
	const { pauses, whyUnknown } = options;
	const problem = method !== undefined && !pauses.isStopped(method) ? whyUnknown(method) : undefined;
	if (problem !== undefined) return failed(problem);
	const absent = absentOf(options, lanes ?? []).filter((lane) => !pauses.laneOf(lane));
	if (lanes !== undefined && absent.length === lanes.length && absent.length > 0)
		return noSuchLane(options, absent);
	const all = lanes === undefined && method === undefined;
	const named = all
		? pauses.stoppedMethods().map((stopped) => stopped.method)
		: method === undefined
			? []
			: [method];
	const woken = await Promise.all(named.map(async (name) => ({ name, process: await options.wake(name) })));
	const down = woken.filter(({ process }) => process?.isUp === false).map(({ name }) => name);
	const known = options.lanes();
	const answer = {
		methods: await pauses.resumeMethods(
			named.filter((name) => !down.includes(name)),
			woken.flatMap(({ process }) => (process?.isUp ? process.methods : [])),
		),
		lanes: (await pauses.resumeLanes(all ? pausableLanes : (lanes ?? []))).filter((lane) =>
			known.includes(lane),
		),
	} satisfies ControlAnswer<'resume'>;
	if (down.length === 0) return answer;
	return failed(`not resumed: ${down.join(', ')}; the module breaks down when it is started`, answer);
}

function absentOf({ lanes }: ControlMethodsOptions, named: readonly PausableLane[]): PausableLane[] {
	const known = lanes();
	return named.filter((lane) => !known.includes(lane));
}

function noSuchLane({ lanes }: ControlMethodsOptions, absent: readonly string[]): Verdict {
	const known = lanes().filter((lane) => lane !== 'control');
	return failed(`this node has no lane ${absent.join(', ')}; it has: ${known.join(', ')}`);
}

function control<Name extends ControlName>(
	name: Name,
	run: (data: Control<Name>) => Promise<unknown>,
	defaults: MethodDefinition['defaults'] = {},
): MethodDefinition<Control<Name>> {
	return defineMethod<Control<Name>>({
		name,
		kind: 'command',
		data: controls[name] as unknown as MethodDefinition<Control<Name>>['data'],
		isolate: 'none',
		defaults,
		run: (_, data) => run(data),
	});
}
