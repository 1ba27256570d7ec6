/**
 * Owns the route that sends: one message or many in their JSON form, or only says whom they would reach.
 * Promises that all are checked before the first is sent, one receipt a target, and that an exact repeat says so.
 * A crash in the middle leaves some sent: with ids of one's own the same request again completes it.
 */

import { z } from 'zod';
import { checkForms, sendForms } from '../../client/forms.ts';
import { type Message, type MessageForm, messageFormSchema, parseMessage } from '../../domain/message.ts';
import { nodesOf } from '../../domain/target.ts';
import { isRecord } from '../../domain/validation.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import { type Api, form, isTrue, listOf, problems } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { invalid } from '../problem.ts';
import { authorOf } from '../who.ts';

const mostForms = 1000;
const mostListed = 1000;

const { receipt, node } = viewSchemas;
const count = z.number().int().min(0);
const reachSchema = z.object({
	targets: z
		.array(z.object({ node: z.string(), presence: node.shape.presence, since: node.shape.since }))
		.describe(`${mostListed} at the most`),
	present: count,
	absent: count,
	unknown: count.describe('never heard of, or nobody can say'),
});

export function addSend(api: Api, desk: Desk): void {
	api.post(
		'/commands',
		{
			schema: {
				tags: ['commands'],
				operationId: 'send',
				summary: 'Send a message, or up to 1,000, to one node or many',
				description:
					'Answers 201 as soon as the broker has all of them on disk; 200 where every one was there before with the same content. ' +
					'With dryRun it checks them, and says whom they would reach.',
				headers: z.object({
					'idempotency-key': z.string().optional().describe('the id of a single message'),
				}),
				querystring: z.strictObject({ dryRun: isTrue.optional() }),
				body: form(z.union([messageFormSchema, z.array(messageFormSchema).min(1).max(mostForms)])),
				response: {
					200: z.union([reachSchema, listOf(receipt)]),
					201: listOf(receipt),
					...problems('invalid', 'id-conflict', 'refused', 'ambiguous', 'schema-newer'),
				},
			},
		},
		async (request, reply) => {
			const forms = formsOf(request.body, request.headers['idempotency-key']);
			const messages = checkForms(forms, parseMessage, 'nothing was sent');
			if (request.query.dryRun) return reachOf(desk, messages);
			const items = await sendForms(desk.fleet(authorOf(request)), forms as MessageForm[]);
			const isRepeat = items.length > 0 && items.every(({ duplicate }) => duplicate);
			return reply.code(isRepeat ? 200 : 201).send({ items });
		},
	);
}

/** @throws StewardError `invalid` */
function formsOf(body: unknown, key: string | undefined): readonly unknown[] {
	if (!Array.isArray(body)) {
		if (key === undefined || !isRecord(body)) return [body];
		if (body.id === undefined || body.id === key) return [{ ...body, id: key }];
		throw invalid(`Idempotency-Key: it is the id of the message, which says another ("${String(body.id)}")`);
	}
	if (key !== undefined)
		throw invalid('Idempotency-Key: it is for a single message; each of several has an id');
	if (body.length === 0 || body.length > mostForms)
		throw invalid(`expected 1 to ${mostForms} messages, got ${body.length}`);
	return body;
}

function reachOf(desk: Desk, messages: readonly Message[]): z.infer<typeof reachSchema> {
	const { answers, index } = desk.window();
	const nodes = new Set(messages.flatMap(({ target }) => nodesOf(target, index.serving)));
	const targets = [...nodes].map((name) => {
		const { status, since } = answers.presenceOf(name);
		return { node: name, presence: status, since };
	});
	const having = (...some: readonly string[]) =>
		targets.filter(({ presence }) => some.includes(presence)).length;
	return {
		targets: targets.slice(0, mostListed),
		...{ present: having('present'), absent: having('absent'), unknown: having('never', 'unknown') },
	};
}
