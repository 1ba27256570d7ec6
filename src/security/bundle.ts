/**
 * Owns the file that takes an enrolment to its machine (`ship1.steward`): credentials, addresses, authority, roots, trust.
 * Promises that what is read is complete and belongs together, and that no error shows a secret.
 * Pure: who calls reads and writes it, as a secret file.
 */

import { z } from 'zod';
import { StewardError } from '../base/errors.ts';
import { nodeNamePattern } from '../domain/names.ts';
import { roles, trustListSchema } from '../domain/trust.ts';
import { credsOf } from './accounts.ts';
import { parseCredentials } from './credentials.ts';

const bundleSchema = z.strictObject({
	steward: z.literal(1),
	name: z.string().regex(nodeNamePattern),
	role: z.enum(roles),
	servers: z.array(z.string().regex(/^[a-z]+:\/\/[^\s/]+$/)).min(1),
	/** The certificate of the authority that signed the servers' certificates, PEM. */
	ca: z.string().startsWith('-----BEGIN CERTIFICATE-----'),
	labels: z.record(z.string(), z.string()),
	trust: trustListSchema,
	jwt: z.string(),
	/** Not there where the key was made on the machine itself. */
	seed: z.string().optional(),
});
export type Bundle = Readonly<z.infer<typeof bundleSchema>>;

export function formatBundle(bundle: Bundle): string {
	return `${JSON.stringify(bundle, null, '\t')}\n`;
}

/** @throws StewardError `invalid` */
export function parseBundle(text: string): Bundle {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw notUsable('it is no JSON');
	}
	const parsed = bundleSchema.safeParse(value);
	if (parsed.success) return parsed.data;
	const fields = parsed.error.issues.map(({ path }) => path.join('.') || '(top level)');
	throw notUsable(`not as expected: ${[...new Set(fields)].join(', ')}`);
}

/**
 * The text of its credentials file.
 * @param seed Of the key that was made on the machine; needed where the bundle has none.
 * @throws StewardError `invalid`
 */
export function credentialsOf(bundle: Bundle, seed: string | undefined): string {
	const one = seed?.trim() ?? bundle.seed;
	if (one === undefined) {
		throw notUsable('it was made for a key of this machine: give the file of that key with --key');
	}
	const creds = credsOf(bundle.jwt, one);
	parseCredentials(creds);
	return creds;
}

function notUsable(why: string): StewardError {
	return new StewardError('invalid', `the bundle cannot be used: ${why}; make one with steward enrol`);
}
