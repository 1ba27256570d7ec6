/**
 * Owns what the routes under /api/v1 share: their type, pages, names in their paths, and how they document what can go wrong.
 * Promises that a field nobody knows is refused, so that a filter with a slip in it never means everything.
 * Pure.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault, RouteOptions } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseSince, sinceRule } from '../base/since.ts';
import {
	handlePattern,
	kinds,
	methodNamePattern,
	methodNameRule,
	nodeNamePattern,
	nodeNameRule,
	parseHandle,
	scheduleNamePattern,
	scheduleNameRule,
} from '../domain/names.ts';
import { commandStates } from '../domain/state.ts';
import { invalid, type ProblemCode, problemSchema, statusOf } from './problem.ts';

export type Api = FastifyInstance<
	RawServerDefault,
	IncomingMessage,
	ServerResponse,
	FastifyBaseLogger,
	ZodTypeProvider
>;

export const nodeName = z.string().regex(nodeNamePattern, { error: `expected ${nodeNameRule}` });
export const methodName = z.string().regex(methodNamePattern, { error: `expected ${methodNameRule}` });
export const scheduleName = z.string().regex(scheduleNamePattern, { error: `expected ${scheduleNameRule}` });
export const kind = z.enum(kinds);
const handleText = z
	.string()
	.regex(handlePattern, { error: 'expected a handle, <node>.<id>, as it was answered when it was sent' });

export const ofNode = z.object({ node: nodeName });
export const ofSchedule = z.object({ name: scheduleName });
export const ofCommand = z.object({ handle: handleText.transform(parseHandle) });
export const handles = z.array(handleText).min(1);

/** Of wishes; who asks is known by the token. */
export const reason = z.string().max(1000).optional().describe('told to whoever wonders later');

/** `a,b` of these words. */
export function someOf<Word extends string>(words: readonly Word[]) {
	return z
		.string()
		.transform((text) => text.split(',').map((word) => word.trim()))
		.pipe(z.array(z.enum(words, { error: `expected some of ${words.join(',')}` })))
		.describe(`some of ${words.join(',')}`);
}

export const states = someOf(commandStates);

/** `role=tug,zone=north`: all of them. */
export const where = z
	.string()
	.transform((text, context) => {
		const pairs = text.split(',').map((pair) => pair.split('='));
		if (pairs.every(([key, ...value]) => key?.trim() && value.length > 0)) {
			return Object.fromEntries(
				pairs.map(([key = '', ...value]) => [key.trim(), value.join('=').trim()] as const),
			);
		}
		context.addIssue({ code: 'custom', message: `expected labels such as role=tug,zone=north` });
		return z.NEVER;
	})
	.describe('nodes with all of these labels: role=tug,zone=north');

export const since = z.string().describe('queued since then: 1h, or 2026-11-22T10:00:00Z');
export const isTrue = z.enum(['true', 'false']).transform((text) => text === 'true');

/** @throws StewardError `invalid` */
export function momentOf(text: string, now: number): number {
	const moment = parseSince(text, now);
	if (moment !== undefined) return moment;
	throw invalid(`since: ${sinceRule}, got "${text.slice(0, 60)}"`);
}

/** How much of a list is asked for, and from where on. */
export function pageQuery(most: number, usual = 50) {
	return {
		limit: z.coerce.number().int().min(1).max(most).default(usual),
		cursor: z.string().max(200).optional().describe('next of the page before'),
	};
}

/** Beside what the index tells. */
export const indexing = z
	.boolean()
	.describe('the centre has only begun to read what there is: something may be missing');

export function pageOf<Item extends z.ZodType>(item: Item) {
	return z.object({
		items: z.array(item),
		next: z.string().nullable().describe('cursor of the next page; null where this is the last'),
		indexing,
	});
}

export function listOf<Item extends z.ZodType>(item: Item) {
	return z.object({ items: z.array(item) });
}

/** What can go wrong beside what can with every request, for the documentation; handlers are not typed by it. */
export function problems(...codes: readonly ProblemCode[]): Record<never, never> {
	const statuses = [...new Set(codes.map((code) => statusOf[code]))];
	return Object.fromEntries(
		statuses.map((status) => [
			status,
			described(codes.filter((code) => statusOf[code] === status).join(', ')),
		]),
	);
}

function described(description: string) {
	return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

/** What can go wrong with every request. */
export function addUsualProblems(route: RouteOptions): void {
	const { schema = {}, config } = route;
	if (schema.hide) return;
	const codes: ProblemCode[] = ['forbidden', 'too-many'];
	if (!config?.isPublic) codes.push('unauthorized', 'denied');
	if (!config?.isPublic && !config?.isWithoutBroker) codes.push('no-broker', 'no-centre');
	if (schema.body) codes.push('too-large');
	const own = schema.response ?? {};
	route.schema = {
		...schema,
		response: { ...problems(...codes), ...own, default: described('whatever else goes wrong') },
	};
}

/** A form that is checked by what it is for, which lists all of its problems; documented as `schema`. */
export function form(schema: z.ZodType) {
	return z.unknown().meta({ form: schema });
}
