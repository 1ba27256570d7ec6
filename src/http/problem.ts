/**
 * Owns how errors are answered: `application/problem+json` (RFC 9457) with the codes of the command line.
 * Promises a code for whatever goes wrong, all problems of a request at once, and nothing of a defect's inside.
 * Keeps nothing.
 */

import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type ErrorCode, isStewardError, messageOf, StewardError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

/** What only a request can do wrong, beside the codes of base/errors.ts. */
const requestCodes = ['unknown-route', 'too-many', 'too-large', 'forbidden', 'defect'] as const;
export type ProblemCode = ErrorCode | (typeof requestCodes)[number];

export const statusOf = {
	usage: 400,
	invalid: 400,
	unauthorized: 401,
	denied: 403,
	forbidden: 403,
	'not-found': 404,
	'unknown-route': 404,
	'waited-too-long': 408,
	refused: 409,
	'id-conflict': 409,
	'already-running': 409,
	'too-large': 413,
	'too-many': 429,
	defect: 500,
	'schema-newer': 500,
	'gave-up': 500,
	storage: 500,
	'no-broker': 503,
	'no-centre': 503,
	'no-topology': 503,
	ambiguous: 504,
} as const satisfies Record<ProblemCode, number>;

export const problemSchema = z.object({
	type: z.string().describe('urn:steward:problem:<code>'),
	title: z.string().describe('what happened, and the next step'),
	status: z.number().int(),
	code: z.string().describe('stable, for programs; as error.code of the command line'),
	problems: z.array(z.string()).optional().describe('all that is wrong with the request, a line each'),
	details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export function problem(
	code: ProblemCode,
	title: string,
	more: Pick<Problem, 'problems' | 'details'> = {},
): Problem {
	return { type: `urn:steward:problem:${code}`, title, status: statusOf[code], code, ...more };
}

/** Of a request that no schema could refuse: one thing is wrong, and it is named. */
export function invalid(problem: string): StewardError {
	return new StewardError('invalid', problem, { details: { problems: [problem] } });
}

export function sendProblem(reply: FastifyReply, one: Problem): FastifyReply {
	return reply.code(one.status).type('application/problem+json').send(JSON.stringify(one));
}

export function answerProblems(app: FastifyInstance, log: Log): void {
	app.setErrorHandler((error: FastifyError, _request, reply) => {
		const one = problemOf(error);
		if (one.code === 'defect') log.error({ err: messageOf(error), stack: error.stack }, 'a request failed');
		return sendProblem(reply, one);
	});
}

export function unknownRoute(reply: FastifyReply, method: string): FastifyReply {
	return sendProblem(reply, problem('unknown-route', `${method} is not answered here: see /api/docs`));
}

function problemOf(error: FastifyError): Problem {
	if (isStewardError(error)) {
		const { problems } = error.details;
		return problem(error.code, error.message, {
			...(isTexts(problems) ? { problems } : {}),
			...(Object.keys(error.details).length === 0 ? {} : { details: { ...error.details } }),
		});
	}
	if (hasZodFastifySchemaValidationErrors(error)) {
		const problems = error.validation.map(
			({ instancePath, message }) =>
				`${error.validationContext ?? 'request'}${instancePath.replaceAll('/', '.')}: ${message ?? 'not valid'}`,
		);
		return problem('invalid', `the request is not valid: ${problems.join('; ')}`, { problems });
	}
	switch (error.statusCode) {
		case 400:
		case 415:
			return problem('invalid', error.message);
		case 413:
			return problem('too-large', error.message);
		case 429:
			return problem('too-many', error.message);
		default:
			return problem('defect', 'something in steward itself is broken; its log says what');
	}
}

function isTexts(value: unknown): value is string[] {
	return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
