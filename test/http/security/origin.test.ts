import { expect, test } from 'vitest';
import { changeProblem, hostProblem, isJson, isReading } from '../../../src/http/security/origin.ts';

test.each([
	['127.0.0.1:7422', '127.0.0.1', true],
	['localhost:7422', '127.0.0.1', true],
	['LOCALHOST', '127.0.0.1', true],
	['[::1]:7422', '127.0.0.1', true],
	['127.0.0.2:7422', '127.0.0.2', true],
	['[::ffff:127.0.0.1]:7422', '::ffff:127.0.0.1', true],
	['[2001:db8::1]:7422', '2001:DB8:0::1', true],
	['[2001:db8::2]:7422', '2001:db8::1', false],
	['hub.example:7422', 'hub.example', true],
	['Hub.Example', 'hub.example', true],
	['127.0.0.1', 'hub.example', true],
	['anything.example', '0.0.0.0', true],
	['evil.example:7422', '127.0.0.1', false],
	['127.0.0.1.evil.example', '127.0.0.1', false],
	['localhost.evil.example', '127.0.0.1', false],
	['evil@127.0.0.1', '127.0.0.1', false],
	['127.0.0.1/evil', '127.0.0.1', false],
	['', '127.0.0.1', false],
	['hub.example.evil', 'hub.example', false],
])('called %s where it is %s: %s', (host, configured, isRight) => {
	expect(hostProblem({ host }, { host: configured, origins: [] }) === undefined).toBe(isRight);
});

test('without a Host there is none', () => {
	expect(hostProblem({}, { host: '127.0.0.1', origins: ['https://fleet.example'] })).toBeDefined();
});

const host = '127.0.0.1:7422';
test.each([
	['nothing said, as programs do', {}, true],
	['its own page', { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }, true],
	['typed by its user', { 'sec-fetch-site': 'none' }, true],
	['another site', { 'sec-fetch-site': 'cross-site' }, false],
	['another port of this machine', { 'sec-fetch-site': 'same-site' }, false],
	['another origin', { origin: 'http://127.0.0.1:8080' }, false],
	['another scheme', { origin: `https://${host}` }, false],
	['a page without an origin', { origin: 'null' }, false],
	['an origin that is none', { origin: `http://${host}/path` }, false],
	[
		'a foreign origin that says it is its own site',
		{ origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
		false,
	],
])('a change asked for by %s', (_what, headers, isRight) => {
	expect(changeProblem({ host, ...headers }, false) === undefined).toBe(isRight);
});

const names = { host: '127.0.0.1', origins: ['https://fleet.example', 'https://fleet.example:8443'] };
test.each([
	['fleet.example', true],
	['Fleet.Example:443', true],
	['fleet.example:8443', true],
	['127.0.0.1:7422', true],
	['fleet.example:7422', false],
	['www.fleet.example', false],
	['fleet.example.evil', false],
	['evil@fleet.example', false],
])('behind a proxy, called %s: %s', (host, isRight) => {
	expect(hostProblem({ host }, names) === undefined).toBe(isRight);
});

test.each([
	['https://fleet.example', true],
	['https://fleet.example:8443', true],
	['http://fleet.example', false],
	['https://evil.example', false],
	['https://fleet.example.evil', false],
	['null', false],
])('behind a proxy, a change asked for by a page of %s: %s', (origin, isRight) => {
	for (const host of ['fleet.example', '127.0.0.1:7422'])
		expect(
			changeProblem({ host, origin, 'sec-fetch-site': 'same-origin' }, false, names.origins) === undefined,
		).toBe(isRight);
	expect(changeProblem({ host, origin, 'sec-fetch-site': 'cross-site' }, false, names.origins)).toBeDefined();
});

test('who is refused is told which setting lets him in', () => {
	expect(hostProblem({ host: 'fleet.example' }, { host: '127.0.0.1', origins: [] })).toContain(
		'http.origins',
	);
	expect(changeProblem({ host, origin: 'https://fleet.example' }, false)).toContain('http.origins');
});

test('the port that a scheme has anyway need not be said', () => {
	expect(changeProblem({ host: 'localhost:443', origin: 'https://localhost' }, true)).toBeUndefined();
	expect(changeProblem({ origin: 'http://localhost' }, false)).toBeDefined();
});

test('JSON is what says that it is', () => {
	for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON'])
		expect(isJson({ 'content-type': type })).toBe(true);
	for (const type of [
		'text/plain',
		'application/x-www-form-urlencoded',
		'multipart/form-data',
		'text/plain;application/json',
		'application/jsonp',
		'',
	])
		expect(isJson({ 'content-type': type })).toBe(false);
	expect(isJson({})).toBe(false);
	expect(['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE', 'get'].map(isReading)).toEqual([
		true,
		true,
		true,
		false,
		false,
		false,
	]);
});
