/**
 * Owns the API's own description as a contract in tests: which operations there are, what each may answer, and whether an answer is that.
 * Promises that an answer of a status, a type or a shape that the document does not have fails the test, and to say what no test asked.
 * Ends with the test.
 */

import { request } from 'node:http';
import { z } from 'zod';
import type { Answer, StartedHttp } from '../support/http.ts';

/** How an operation is asked. */
export type Sample = {
	readonly params?: Readonly<Record<string, string>>;
	readonly query?: Readonly<Record<string, string>>;
	/** Of an object its JSON; text as it is. */
	readonly body?: unknown;
	readonly headers?: Readonly<Record<string, string>>;
};

type Json = Readonly<Record<string, unknown>>;
type Described = { readonly content?: Readonly<Record<string, { readonly schema: Json }>> };
const documentSchema = z.object({
	openapi: z.string(),
	paths: z.record(
		z.string(),
		z.record(
			z.string(),
			z.object({
				operationId: z.string(),
				summary: z.string().min(1),
				tags: z.array(z.string()).min(1),
				requestBody: z.unknown().optional(),
				responses: z.record(z.string(), z.custom<Described>()),
			}),
		),
	),
	components: z.object({ schemas: z.record(z.string(), z.custom<Json>()), securitySchemes: z.unknown() }),
});

export type Operation = {
	readonly id: string;
	readonly method: string;
	readonly path: string;
	readonly hasBody: boolean;
	readonly statuses: readonly number[];
	readonly responses: Readonly<Record<string, Described>>;
};

export class Contract {
	readonly operations: readonly Operation[];
	readonly #schemas: Json;
	readonly #asked = new Set<string>();
	readonly #compiled = new Map<string, z.ZodType>();

	constructor(document: unknown) {
		const { paths, components } = documentSchema.parse(document);
		this.#schemas = components.schemas;
		this.operations = Object.entries(paths).flatMap(([path, methods]) =>
			Object.entries(methods).map(([method, { operationId, requestBody, responses }]) => ({
				...{ id: operationId, method: method.toUpperCase(), path, responses },
				hasBody: requestBody !== undefined,
				statuses: Object.keys(responses).map(Number).filter(Number.isInteger),
			})),
		);
	}

	operation(id: string): Operation {
		const found = this.operations.find((one) => one.id === id);
		if (found) return found;
		throw new Error(
			`the document has no operation ${id}: it has ${this.operations.map((one) => one.id).join(', ')}`,
		);
	}

	/** Asks, and holds the answer against the document. */
	async ask(http: Pick<StartedHttp, 'url'>, id: string, sample: Sample = {}): Promise<Answer> {
		const operation = this.operation(id);
		const { body, headers } = sample;
		const controller = new AbortController();
		const response = await fetch(`${http.url}${pathOf(operation, sample)}`, {
			method: operation.method,
			headers: { ...(operation.method === 'GET' ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
			signal: controller.signal,
		});
		const type = typeOf(response.headers);
		// It does not end by itself.
		const text = type === 'text/event-stream' ? '' : await response.text();
		controller.abort();
		return this.#held(operation, response.status, type, text, response.headers);
	}

	/** As {@link ask}, under a name that the server does not have: no browser would. */
	async askAs(http: Pick<StartedHttp, 'url'>, host: string, id: string, sample: Sample): Promise<Answer> {
		const operation = this.operation(id);
		const url = `${http.url}${pathOf(operation, sample)}`;
		return new Promise((resolve, reject) => {
			const asked = request(
				url,
				{ method: operation.method, headers: { host, ...sample.headers } },
				(answer) => {
					let text = '';
					answer.setEncoding('utf8').on('data', (piece) => {
						text += piece;
					});
					answer.once('end', () => {
						const headers = new Headers({ 'content-type': answer.headers['content-type'] ?? '' });
						try {
							resolve(this.#held(operation, answer.statusCode ?? 0, typeOf(headers), text, headers));
						} catch (error) {
							reject(error);
						}
					});
				},
			);
			asked.once('error', reject);
			asked.end();
		});
	}

	/** What the document says that may be answered, and no test was answered. */
	unasked(isMeant: (status: number) => boolean): string[] {
		return this.operations
			.flatMap(({ id, statuses }) => statuses.filter(isMeant).map((status) => `${id} ${status}`))
			.filter((one) => !this.#asked.has(one));
	}

	#held(operation: Operation, status: number, type: string, text: string, headers: Headers): Answer {
		const { id, responses } = operation;
		const described = responses[status];
		if (!described)
			throw new Error(`${id}: the document does not know the status ${status}: ${text.slice(0, 500)}`);
		const schema = described.content?.[type]?.schema;
		if (!schema) throw new Error(`${id} ${status}: the document does not know the type ${type}`);
		const values =
			type === 'application/x-ndjson' ? text.trim().split('\n').map(parse) : [parseAs(type, text)];
		const key = `${id} ${status} ${type}`;
		const whole = this.#compiled.get(key) ?? z.fromJSONSchema(this.#whole(schema));
		this.#compiled.set(key, whole);
		for (const value of values) {
			const { error } = type === 'text/event-stream' ? {} : whole.safeParse(value);
			if (error)
				throw new Error(
					`${id} ${status} is not what the document says: ${z.prettifyError(error)}\n${text.slice(0, 500)}`,
				);
		}
		this.#asked.add(`${id} ${status}`);
		return { status, headers, text, json: type.includes('json') ? values[0] : undefined };
	}

	/** With all that it refers to; a field that no shape has is one too many. */
	#whole(schema: Json): Parameters<typeof z.fromJSONSchema>[0] {
		const text = JSON.stringify({ ...schema, $defs: this.#schemas }).replaceAll(
			'#/components/schemas/',
			'#/$defs/',
		);
		return JSON.parse(text, (_key, value) => {
			const isShape =
				typeof value === 'object' && value !== null && value.type === 'object' && value.properties;
			return isShape ? { additionalProperties: false, ...value } : value;
		});
	}
}

function pathOf({ path }: Operation, { params = {}, query }: Sample): string {
	const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
		const value = params[name];
		if (value === undefined) throw new Error(`${path}: the sample has no ${name}`);
		return encodeURIComponent(value);
	});
	return query ? `${filled}?${new URLSearchParams(query)}` : filled;
}

function typeOf(headers: Headers): string {
	return headers.get('content-type')?.split(';')[0] ?? '';
}

function parseAs(type: string, text: string): unknown {
	return type.includes('json') ? parse(text) : text;
}

function parse(text: string): unknown {
	return JSON.parse(text);
}
