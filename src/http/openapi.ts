/**
 * Owns the description of the API (OpenAPI 3.1), made from the schemas that the routes are typed and checked by, and its reader.
 * Promises that both work without any other machine, and that a shape which is used often has a name.
 * Keeps nothing.
 */

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { messageFormSchema } from '../domain/message.ts';
import { changesSchema, nodeRowSchema, totalsSchema } from '../domain/row-schema.ts';
import { scheduleFormSchema } from '../domain/schedule.ts';
import { viewSchemas } from '../domain/view-schema.ts';
import type { Api } from './contract.ts';
import { usualPort } from './desk.ts';
import { problemSchema } from './problem.ts';
import { cookieNameOf } from './security/guard.ts';

/** Names of the shapes in the document. */
const named = {
	Command: viewSchemas.command,
	Receipt: viewSchemas.receipt,
	Cancellation: viewSchemas.cancellation,
	Why: viewSchemas.why,
	LogPiece: viewSchemas.log,
	Node: viewSchemas.node,
	Schedule: viewSchemas.schedule,
	ScheduleOutcome: viewSchemas.scheduleOutcome,
	ScheduleTick: viewSchemas.scheduleTick,
	ScheduleChange: viewSchemas.scheduleChange,
	DeadLetter: viewSchemas.deadLetter,
	DeadOutcome: viewSchemas.deadOutcome,
	Stream: viewSchemas.stream,
	Document: viewSchemas.document,
	MessageForm: messageFormSchema,
	ScheduleForm: scheduleFormSchema,
	NodeRow: nodeRowSchema,
	Totals: totalsSchema,
	Changes: changesSchema,
	Problem: problemSchema,
} as const;

const tags = [
	{ name: 'commands', description: 'Send, follow, call off, send again.' },
	{ name: 'nodes', description: 'Who is there, what runs and waits there; make them hold back and go on.' },
	{ name: 'schedules', description: 'What is sent again and again.' },
	{ name: 'dead letters', description: 'What was taken out of its lane, with its evidence.' },
	{ name: 'live', description: 'What changes, as it changes.' },
	{ name: 'session', description: 'Who one is.' },
	{ name: 'system', description: 'The installation itself.' },
];

/** What a schema says of itself stands in zod's own registry, its name here. */
const registry = z.registry<{ id?: string | undefined }>();
for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });

/** No bar of another brand, and no field that asks for addresses. */
const readerCss = '.swagger-ui .topbar { display: none }';

/** What the schemas of answers do not say. */
const answerWords: Readonly<Record<string, string>> = {
	200: 'The answer.',
	201: 'It is on the disk of the broker.',
};

type Override = Parameters<NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>>[0];

const options = {
	schemaRegistry: registry,
	zodToJsonConfig: {
		override({ zodSchema, jsonSchema }: Override) {
			const { description, form } = z.globalRegistry.get(zodSchema) ?? {};
			if (description !== undefined) jsonSchema.description ??= description;
			if (form instanceof z.ZodType) Object.assign(jsonSchema, formSchemaOf(form));
			// Fields may be added later: only what is strict refuses others.
			if (zodSchema instanceof z.ZodObject && !zodSchema.def.catchall) delete jsonSchema.additionalProperties;
			if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
			if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
		},
	},
};

/** As people write it, where that has a name by that. */
function formSchemaOf(form: z.ZodType): object {
	const id = registry.get(form)?.id;
	if (id !== undefined) return { $ref: `#/components/schemas/${id}Input` };
	if (form instanceof z.ZodUnion) {
		return { anyOf: form.options.map((one) => (one instanceof z.ZodType ? formSchemaOf(one) : {})) };
	}
	if (form instanceof z.ZodArray && form.element instanceof z.ZodType) {
		const { minItems, maxItems } = z.toJSONSchema(form, { io: 'input', unrepresentable: 'any' });
		return { type: 'array', items: formSchemaOf(form.element), minItems, maxItems };
	}
	const { $schema: _, ...schema } = z.toJSONSchema(form, { io: 'input', unrepresentable: 'any' });
	return schema;
}

export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
	await app.register(swagger, {
		openapi: {
			openapi: '3.1.0',
			info: {
				title: 'steward',
				version,
				description:
					'Commands for machines on bad links. Errors are application/problem+json with the codes of the command line. ' +
					'Whatever is not GET says content-type: application/json.',
			},
			tags,
			components: {
				securitySchemes: {
					bearer: { type: 'http', scheme: 'bearer', description: 'steward tokens add <name> makes one' },
					cookie: {
						type: 'apiKey',
						in: 'cookie',
						name: cookieNameOf(usualPort),
						description: 'as POST /api/v1/session sets it; named after the port that the server listens on',
					},
				},
			},
			security: [{ bearer: [] }, { cookie: [] }],
		},
		transform: createJsonSchemaTransform(options),
		transformObject(document) {
			const whole = createJsonSchemaTransformObject(options)(document);
			nameAnswers(whole);
			dropUnused(whole, ('components' in whole && whole.components?.schemas) || {});
			return whole;
		},
	});
	await app.register(swaggerUi, {
		routePrefix: '/api/docs',
		// Its own script builds the page, and styles it as it goes; nothing comes from elsewhere.
		staticCSP:
			"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
			"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		uiConfig: { docExpansion: 'list', deepLinking: true },
		theme: { title: 'steward: the API', css: [{ filename: 'steward.css', content: readerCss }] },
	});
}

export function addOpenApi(api: Api, app: FastifyInstance): void {
	let text: string | undefined;
	api.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
		text ??= JSON.stringify(app.swagger());
		return reply.type('application/json; charset=utf-8').send(text);
	});
}

/** In the place of what the generator says of each. */
function nameAnswers({ paths = {} }: { paths?: object | undefined }): void {
	for (const operations of Object.values(paths)) {
		for (const { responses = {} } of Object.values<{ responses?: object }>(operations)) {
			for (const [status, answer] of Object.entries(responses)) {
				if (answer.description === 'Default Response')
					answer.description = answerWords[status] ?? 'The answer.';
			}
		}
	}
}

/** Each shape is there as it is read and as it is written; mostly one of the two is used. */
function dropUnused(document: object, schemas: Record<string, unknown>): void {
	for (let before = -1; before !== Object.keys(schemas).length; ) {
		before = Object.keys(schemas).length;
		const text = JSON.stringify(document);
		for (const name of Object.keys(schemas)) {
			if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
		}
	}
}
