/**
 * Owns the routes about dead letters: lists, groups by fault, one letter, and sending many again or throwing them away.
 * Promises an outcome for each letter, and that nothing is done to all of them unless all are named.
 * A replay that is cut off is completed by the same request again: what was sent is not sent twice.
 */

import { z } from 'zod';
import { StewardError } from '../../base/errors.ts';
import type { DeadFilter, DeadSelection, LetterPlace } from '../../client/dead.ts';
import { deadGroupSchema } from '../../domain/many-view-schema.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import {
	type Api,
	isTrue,
	kind,
	listOf,
	methodName,
	momentOf,
	nodeName,
	pageOf,
	pageQuery,
	problems,
	since,
} from '../contract.ts';
import type { Desk } from '../desk.ts';
import { invalid } from '../problem.ts';
import { authorOf } from '../who.ts';

const tags = ['dead letters'];
const mostSeqs = 10_000;
const { deadLetter, deadOutcome } = viewSchemas;
const seq = z.number().int().min(1);

const filterFields = {
	node: nodeName.optional(),
	kind: kind.optional(),
	method: methodName.optional(),
	code: z.string().max(200).optional().describe('of the fault'),
	since: since.optional(),
};
type Fields = z.output<z.ZodObject<typeof filterFields>> & { readonly replayed?: boolean | undefined };

const selectionSchema = z.strictObject({
	seqs: z.array(seq).min(1).max(mostSeqs).optional(),
	filter: z
		.strictObject({ ...filterFields, replayed: z.boolean().optional() })
		.refine((filter) => Object.keys(filter).length > 0, { error: 'expected at least one field' })
		.optional(),
	all: z.literal(true).optional().describe('every letter'),
	dryRun: z.boolean().optional().describe('say what would be done, and do nothing'),
});

export function addDead(api: Api, desk: Desk): void {
	api.get(
		'/dead',
		{
			schema: {
				...{ tags, operationId: 'listDead' },
				summary: 'Dead letters, newest first, without their messages',
				querystring: z.strictObject({ ...filterFields, replayed: isTrue.optional(), ...pageQuery(200) }),
				response: { 200: pageOf(deadLetter), ...problems('invalid') },
			},
		},
		async ({ query: { limit, cursor, ...fields } }) => {
			const before = cursor === undefined ? undefined : placeOf(cursor);
			const filter = filterOf(desk, fields);
			const found = await desk.fleet('operator').dead.list({
				...{ ...filter, limit: limit + 1 },
				...(before && { before }),
			});
			const items = found.slice(0, limit);
			const last = items.at(-1);
			const next = last && found.length > limit ? `${Date.parse(last.at)}-${last.seq}` : null;
			return { items, next, indexing: false };
		},
	);
	api.get(
		'/dead/groups',
		{
			schema: {
				...{ tags, operationId: 'groupDead' },
				summary: 'Dead letters by their fault, most letters first',
				querystring: z.strictObject({ ...filterFields, replayed: isTrue.optional() }),
				response: { 200: listOf(deadGroupSchema), ...problems('invalid') },
			},
		},
		async ({ query }) => ({ items: await desk.fleet('operator').dead.groups(filterOf(desk, query)) }),
	);
	api.get(
		'/dead/:seq',
		{
			schema: {
				...{ tags, operationId: 'getDead' },
				summary: 'One dead letter, with its message',
				params: z.object({ seq: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }),
				response: { 200: deadLetter, ...problems('invalid', 'not-found') },
			},
		},
		async ({ params }) => {
			const letter = await desk.fleet('operator').dead.at(params.seq);
			if (letter) return letter;
			throw new StewardError(
				'not-found',
				`there is no dead letter ${params.seq}: it was discarded or sent again, or is older than 30 days`,
				{ details: params },
			);
		},
	);
	addMany(api, desk);
}

function addMany(api: Api, desk: Desk): void {
	const outcomes = listOf(deadOutcome);
	api.post(
		'/dead/replay',
		{
			schema: {
				...{ tags, operationId: 'replayDead' },
				summary: 'Send letters again: some, those that a filter chooses, or all',
				description: 'Of a filter, and of all, those that were sent again before are left out.',
				body: selectionSchema,
				response: { 200: outcomes, ...problems('invalid', 'ambiguous') },
			},
		},
		async (request) => {
			const { dryRun = false } = request.body;
			const { dead } = desk.fleet(authorOf(request));
			return { items: await dead.replay(selectionOf(desk, request.body), { dryRun }) };
		},
	);
	api.post(
		'/dead/discard',
		{
			schema: {
				...{ tags, operationId: 'discardDead' },
				summary: 'Throw letters away for good: some, those that a filter chooses, or all',
				body: selectionSchema,
				response: { 200: outcomes, ...problems('invalid') },
			},
		},
		async (request) => {
			const { dryRun = false } = request.body;
			const { dead } = desk.fleet(authorOf(request));
			return { items: await dead.discard(selectionOf(desk, request.body), { dryRun }) };
		},
	);
}

/** @throws StewardError `invalid` */
function selectionOf(desk: Desk, { seqs, filter, all }: z.output<typeof selectionSchema>): DeadSelection {
	const said = [seqs, filter, all].filter((one) => one !== undefined).length;
	if (said !== 1) throw invalid(`body: expected exactly one of seqs, filter, all, got ${said}`);
	return seqs ? { seqs } : filterOf(desk, filter ?? {});
}

function filterOf(desk: Desk, { since: from, ...fields }: Fields): DeadFilter {
	const since = from === undefined ? undefined : new Date(momentOf(from, desk.window().serverNow()));
	return { ...fields, since };
}

/** @throws StewardError `invalid` */
function placeOf(cursor: string): LetterPlace {
	const [, at, seq] = /^(\d{1,15})-(\d{1,15})$/.exec(cursor) ?? [];
	if (at !== undefined && seq !== undefined) return { at: Number(at), seq: Number(seq) };
	throw invalid('cursor: expected next of the page before');
}
