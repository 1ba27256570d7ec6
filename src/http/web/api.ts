/**
 * Owns the way to the server's API: requests, and its problems as errors.
 * Promises an error with the server's own words, and `offline` where nobody answered.
 * Keeps nothing.
 */

import type { Problem } from '../problem.ts';

export class ApiError extends Error {
	/** The server's code, or `offline`. */
	readonly code: string;
	readonly problem: Problem | undefined;

	constructor(code: string, message: string, problem?: Problem) {
		super(message);
		this.name = 'ApiError';
		this.code = code;
		this.problem = problem;
	}
}

/** `path` below /api/v1, beginning with a slash. @throws ApiError */
export async function api<T>(
	path: string,
	{ method = 'GET', body, signal }: { method?: string; body?: unknown; signal?: AbortSignal } = {},
): Promise<T> {
	let answer: Response;
	try {
		answer = await fetch(`/api/v1${path}`, {
			method,
			credentials: 'same-origin',
			...(signal ? { signal } : {}),
			// Said without a body as well: what changes anything is taken from nobody who cannot say it.
			...(method === 'GET' ? {} : { headers: { 'content-type': 'application/json' } }),
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
	} catch (error) {
		if (signal?.aborted) throw error;
		throw new ApiError('offline', 'the server does not answer');
	}
	if (answer.status === 204) return undefined as T;
	if (answer.ok) return (await answer.json()) as T;
	// Whoever holds the session asks who we are now (session.ts).
	if (answer.status === 401 && path !== '/session') dispatchEvent(new Event('steward:unauthorized'));
	const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json');
	const problem = isProblem ? ((await answer.json()) as Problem) : undefined;
	throw new ApiError(
		problem?.code ?? 'defect',
		problem?.title ?? `the server answered ${answer.status}`,
		problem,
	);
}
