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

/** Under what a server is called: the name that it listens on, and those of reverse proxies in front of it. */
export type Names = { readonly host: string; readonly origins: readonly string[] };

/** Whether a reverse proxy with one of those names passed it on, as the name that it was called by says. */
export function isOfProxy({ host }: IncomingHttpHeaders, origins: readonly string[]): boolean {
	const origin = urlOf(`https://${host ?? ''}`)?.origin;
	return origin !== undefined && origins.includes(origin);
}

/** What is wrong with the name that it was called by; undefined where that is this server's. */
export function hostProblem(headers: IncomingHttpHeaders, names: Names): string | undefined {
	const { host } = headers;
	// Then it is called by names that nobody has told it: the token alone decides.
	if (isEveryAddress(names.host) || isOfProxy(headers, names.origins)) return undefined;
	const called = urlOf(`http://${host ?? ''}`)?.hostname;
	// As a browser writes it: an IPv6 address has one spelling there.
	const own = urlOf(`http://${bracketed(names.host)}`)?.hostname ?? names.host;
	if (called !== undefined && (called === own || isLoopback(unbracketed(called)))) return undefined;
	return `this server is not called that: ask ${own}, or name it in http.origins (--http-origin) where a reverse proxy shows it so (a page that reached it under another name may be hostile)`;
}

/** What is wrong with a request that changes something; undefined where nothing is. `secure`: it came over TLS. */
export function changeProblem(
	headers: IncomingHttpHeaders,
	secure: boolean,
	origins: readonly string[] = [],
): string | undefined {
	const { origin, host = '', 'sec-fetch-site': site } = headers;
	if (typeof site === 'string' && !fromHere.includes(site))
		return `a page of another site asked for it (${site})`;
	if (origin === undefined) return undefined;
	const isOverTls = secure || isOfProxy(headers, origins);
	const own = urlOf(`${isOverTls ? 'https' : 'http'}://${host}`)?.origin;
	const asking = urlOf(origin)?.origin;
	if (asking !== undefined && (asking === own || origins.includes(asking))) return undefined;
	return 'a page of another origin asked for it: http.origins (--http-origin) names those of a reverse proxy in front of this server';
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
