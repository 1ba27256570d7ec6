/**
 * Owns where a request may come from: by which name the server was called, and which page a browser sends it for.
 * Promises that no page of another site makes a browser ask for anything but a page that one then sees, also under a name that was made
 * to point here (DNS rebinding). Pure.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { bracketed, isEveryAddress, isLoopback, unbracketed } from '../../base/address.ts';

const fromHere: readonly string[] = ['same-origin', 'none'];
const onlyReading: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

export function isReading(method: string): boolean {
	return onlyReading.includes(method);
}

/** What is wrong with the name that it was called by; undefined where that is this server's. */
export function hostProblem({ host }: IncomingHttpHeaders, configured: string): string | undefined {
	// Then it is called by names that nobody has told it: the token alone decides.
	if (isEveryAddress(configured)) return undefined;
	const called = urlOf(`http://${host ?? ''}`)?.hostname;
	// As a browser writes it: an IPv6 address has one spelling there.
	const own = urlOf(`http://${bracketed(configured)}`)?.hostname ?? configured;
	if (called !== undefined && (called === own || isLoopback(unbracketed(called)))) return undefined;
	return `this server is not called that: ask ${own} (a page that reached it under another name may be hostile)`;
}

/** What is wrong with a request that changes something; undefined where nothing is. `secure`: it came over TLS. */
export function changeProblem(headers: IncomingHttpHeaders, secure: boolean): string | undefined {
	const { origin, host = '', 'sec-fetch-site': site } = headers;
	if (typeof site === 'string' && !fromHere.includes(site))
		return `a page of another site asked for it (${site})`;
	if (origin === undefined) return undefined;
	const own = urlOf(`${secure ? 'https' : 'http'}://${host}`)?.origin;
	if (own !== undefined && urlOf(origin)?.origin === own) return undefined;
	return 'a page of another origin asked for it';
}

/** What is wrong with a request that changes nothing: a page of another site may lead here, and otherwise leaves this server alone. */
export function readProblem(headers: IncomingHttpHeaders): string | undefined {
	const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = headers;
	if (typeof site !== 'string' || fromHere.includes(site)) return undefined;
	if (mode === 'navigate' && dest === 'document') return undefined;
	return `a page of another site asked for it (${site})`;
}

/** Whether its body is said to be JSON: a form of a page cannot say that. */
export function isJson({ 'content-type': type = '' }: IncomingHttpHeaders): boolean {
	return /^application\/json *(;|$)/i.test(type);
}

/** Only what is a plain origin: no path, no user. */
function urlOf(text: string): URL | undefined {
	if (!URL.canParse(text)) return undefined;
	const url = new URL(text);
	const isPlain = url.username === '' && url.password === '' && url.pathname === '/' && url.search === '';
	return isPlain ? url : undefined;
}
