/**
 * Owns what the text of an address means: whether it stays on this machine, and how it is written in a URL.
 * Promises that loopback is 127.0.0.0/8, ::1 (also within ::ffff:0:0/96, and however they are written) and the name localhost, and
 * nothing else: what is no such address, though a resolver might read it as one (`127.1`), counts as beyond.
 * Pure: no name is looked up.
 */

import { BlockList, isIP } from 'node:net';

// Its rules for IPv4 count for the same addresses within IPv6 as well.
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether what is said to it, or listens there, stays on this machine. Without brackets. */
export function isLoopback(host: string): boolean {
	const family = isIP(host);
	if (family === 0) return host.toLowerCase() === 'localhost';
	return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a listener there takes what comes by any address of this machine. */
export function isEveryAddress(host: string): boolean {
	return host === '0.0.0.0' || host === '::';
}

/** As it stands in a URL: an IPv6 address in brackets. */
export function bracketed(host: string): string {
	return host.includes(':') ? `[${host}]` : host;
}

/** As sockets take it: `[::1]` is `::1`. */
export function unbracketed(host: string): string {
	return host.replace(/^\[(.*)\]$/, '$1');
}
