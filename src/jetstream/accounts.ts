/**
 * Owns bringing accounts to the broker: their JWTs, by way of its system account.
 * Promises that each was taken when it resolves. What a JWT takes back counts at once: who is connected with it is cut off.
 * The broker keeps them in its resolver's folder; a crash in the middle leaves some of them old, and all may be brought again.
 */

import { StewardError } from '../base/errors.ts';
import { type Connection, requestTimeoutMs } from './connection.ts';
import { noAnswer } from './errors.ts';

const updateSubject = '$SYS.REQ.CLAIMS.UPDATE';

export type AccountJwt = { readonly name: string; readonly jwt: string };

/** @throws StewardError `refused` where the broker does not take one; `ambiguous` where it does not answer */
export async function bringAccounts({ nc }: Connection, accounts: readonly AccountJwt[]): Promise<void> {
	for (const { name, jwt } of accounts) {
		const answer = await nc.request(updateSubject, jwt, { timeout: requestTimeoutMs }).catch((error) => {
			throw noAnswer(`the account ${name}`, error);
		});
		const problem = problemIn(answer.string());
		if (problem === undefined) continue;
		throw new StewardError('refused', `the broker does not take the account ${name}: ${problem}`);
	}
}

/** `{ data: { code: 200 } }`, or `{ error: { description } }`. */
function problemIn(text: string): string | undefined {
	let answer: unknown;
	try {
		answer = JSON.parse(text);
	} catch {
		return 'its answer is no JSON';
	}
	const { data, error } = answer as {
		data?: { code?: unknown };
		error?: { description?: unknown };
	};
	if (error === undefined && data?.code === 200) return undefined;
	return String(error?.description ?? 'it did not say why');
}
