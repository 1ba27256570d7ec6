import { expect, test } from 'vitest';
import { bracketed, isEveryAddress, isLoopback, unbracketed } from '../../src/base/address.ts';

test.each([
	['127.0.0.1', true],
	['127.0.0.2', true],
	['127.255.255.255', true],
	['::1', true],
	['0:0:0:0:0:0:0:1', true],
	['::ffff:127.0.0.1', true],
	['::FFFF:7f05:1', true],
	['localhost', true],
	['LocalHost', true],
	// Every address, among them those of the network.
	['0.0.0.0', false],
	['::', false],
	['126.255.255.255', false],
	['128.0.0.1', false],
	['10.127.0.1', false],
	['::2', false],
	['::ffff:10.0.0.1', false],
	['::127.0.0.1', false],
	['fe80::1%eth0', false],
	// Names, whatever a resolver makes of them.
	['', false],
	['127.1', false],
	['127.0.0.999', false],
	['127.0.0.01', false],
	['2130706433', false],
	['127.0.0.1.example', false],
	['localhost.example', false],
	['notlocalhost', false],
	// Not as sockets take it.
	['[::1]', false],
	[' 127.0.0.1', false],
	['127.0.0.1\n', false],
	['127.0.0.1:4222', false],
])('%j is loopback: %s', (host, expected) => {
	expect(isLoopback(host)).toBe(expected);
});

test.each([
	['0.0.0.0', true],
	['::', true],
	['127.0.0.1', false],
	['::1', false],
	['', false],
])('%j is every address: %s', (host, expected) => {
	expect(isEveryAddress(host)).toBe(expected);
});

test.each([
	['127.0.0.1', '127.0.0.1'],
	['ship1.example', 'ship1.example'],
	['::1', '[::1]'],
	['2001:db8::1', '[2001:db8::1]'],
])('%s stands in a URL as %s', (host, inUrl) => {
	expect(bracketed(host)).toBe(inUrl);
	expect(unbracketed(inUrl)).toBe(host);
	expect(new URL(`http://${inUrl}:4222`).port).toBe('4222');
});
