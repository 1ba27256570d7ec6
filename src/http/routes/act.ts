/**
 * Owns the routes that change what becomes of commands: cancel and retry, of one, of some, or of what a filter chooses.
 * Promises that each command gets an answer of its own, and that a filter which would mean everything has to say so.
 * What was asked before we die stays asked; asking again is safe for cancel, and makes a new command with retry.
 */

import { z } from 'zod';
import { StewardError } from '../../base/errors.ts';
import { cancelCommand } from '../../client/cancel.ts';
import { outcomesOf } from '../../client/in-turns.ts';
import { retryCommand } from '../../client/retry.ts';
import { type Handle, parseHandle } from '../../domain/names.ts';
import { type CommandState, commandStates, isFinal } from '../../domain/state.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import {
	type Api,
	handles,
	listOf,
	methodName,
	momentOf,
	nodeName,
	ofCommand,
	problems,
	reason,
	since,
	states,
} from '../contract.ts';
import type { Desk } from '../desk.ts';
import { invalid, problem, problemSchema } from '../problem.ts';
import { authorOf } from '../who.ts';

const tags = ['commands'];
/** As many as one request takes on. */
const most = 10_000;
const timeoutMs = z
	.number()
	.int()
	.min(0)
	.max(60_000)
	.optional()
	.describe('how long a node that runs it may take to answer, milliseconds');
/** Of many, nobody waits for each. */
const usualForManyMs = 2000;

const open = commandStates.filter((state) => !isFinal(state));
const failed = commandStates.filter((state) => isFinal(state) && state !== 'succeeded');

const selection = {
	handles: handles.max(most).optional(),
	filter: z
		.strictObject({
			node: nodeName.optional(),
			method: methodName.optional(),
			state: z.union([states, z.array(z.enum(commandStates))]).optional(),
			since: since.optional(),
		})
		.refine((filter) => Object.keys(filter).length > 0, { error: 'expected at least one field' })
		.optional(),
	dryRun: z.boolean().optional().describe('say which are meant, and do nothing'),
};
type Selection = z.output<z.ZodObject<typeof selection>>;

const outcomeSchema = z.object({
	handle: z.string(),
	ok: z.boolean(),
	answer: viewSchemas.cancellation.optional(),
	receipt: viewSchemas.receipt.optional(),
	problem: problemSchema.optional(),
});
type Outcome = z.infer<typeof outcomeSchema>;

export function addActs(api: Api, desk: Desk): void {
	api.post(
		'/commands/:handle/cancel',
		{
			schema: {
				...{ tags, operationId: 'cancelCommand' },
				summary: 'Call a command off',
				description:
					'What has not started never will. What runs is ended by its node; asked: it has not answered yet.',
				params: ofCommand,
				body: z.strictObject({ reason, timeoutMs }).nullish(),
				response: {
					200: viewSchemas.cancellation,
					...problems('invalid', 'not-found', 'ambiguous', 'schema-newer'),
				},
			},
		},
		(request) => cancelCommand(desk.parts(authorOf(request)), request.params.handle, request.body ?? {}),
	);
	api.post(
		'/commands/:handle/retry',
		{
			schema: {
				...{ tags, operationId: 'retryCommand' },
				summary: 'Send a command that has ended once more',
				params: ofCommand,
				body: z.strictObject({}).nullish(),
				response: {
					201: viewSchemas.receipt,
					...problems('invalid', 'not-found', 'refused', 'ambiguous', 'schema-newer'),
				},
			},
		},
		async (request, reply) => {
			const receipt = await retryCommand(desk.parts(authorOf(request)), request.params.handle);
			return reply.code(201).send(receipt);
		},
	);
	addMany(api, desk);
}

function addMany(api: Api, desk: Desk): void {
	const response = { 200: listOf(outcomeSchema), ...problems('invalid', 'refused') };
	api.post(
		'/commands/cancel',
		{
			schema: {
				...{ tags, operationId: 'cancelCommands' },
				summary: 'Call off some commands, or all that a filter chooses',
				description: 'Of a filter that names no state, those that have not ended.',
				body: z.strictObject({ ...selection, reason, timeoutMs }),
				response,
			},
		},
		async (request) => {
			const { reason, timeoutMs = usualForManyMs, ...selected } = request.body;
			const parts = desk.parts(authorOf(request));
			return onChosen(desk, selected, open, async (handle) => ({
				answer: await cancelCommand(parts, handle, { reason, timeoutMs }),
			}));
		},
	);
	api.post(
		'/commands/retry',
		{
			schema: {
				...{ tags, operationId: 'retryCommands' },
				summary: 'Send some commands once more, or all that a filter chooses',
				description: 'Of a filter that names no state, those that ended badly.',
				body: z.strictObject(selection),
				response,
			},
		},
		async (request) => {
			const parts = desk.parts(authorOf(request));
			return onChosen(desk, request.body, failed, async (handle) => ({
				receipt: await retryCommand(parts, handle),
			}));
		},
	);
}

async function onChosen(
	desk: Desk,
	selected: Selection,
	usual: readonly CommandState[],
	work: (handle: Handle) => Promise<Pick<Outcome, 'answer' | 'receipt'>>,
): Promise<{ items: Outcome[] }> {
	const chosen = await choose(desk, selected, usual);
	if (selected.dryRun) return { items: chosen.map((handle) => ({ handle, ok: true })) };
	const outcomes = await outcomesOf(chosen.map(parseHandle), work);
	return {
		items: outcomes.map((one) =>
			'answer' in one
				? { handle: one.handle, ok: true, ...one.answer }
				: { handle: one.handle, ok: false, problem: problem(one.code, one.message) },
		),
	};
}

/** @throws StewardError `invalid`, `refused` where they are too many */
async function choose(
	desk: Desk,
	{ handles, filter }: Selection,
	usual: readonly CommandState[],
): Promise<readonly string[]> {
	if ((handles === undefined) === (filter === undefined))
		throw invalid('body: expected either handles, or a filter with node, method, state or since');
	if (handles) return [...new Set(handles)];
	const { state, since, ...rest } = filter ?? {};
	const { answers, serverNow } = desk.window();
	const from = since === undefined ? undefined : momentOf(since, serverNow());
	const found = answers.handles({ ...rest, states: [...(state ?? usual)], since: from, limit: most + 1 });
	if (found.length <= most) return found;
	throw new StewardError('refused', `more than ${most} commands match: narrow the filter; nothing was done`, {
		details: { most },
	});
}
