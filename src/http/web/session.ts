/**
 * Owns who the operator is, as the server says.
 * Promises that no token is kept in the page: the browser holds the id of a session in a cookie that no script can read.
 * Dies with the page.
 */

import { signal } from '@preact/signals';
import { ApiError, api } from './api.ts';
import { hearServerTime } from './clock.ts';

export type Session = {
	readonly auth: 'open' | 'token';
	readonly role: 'operator' | 'viewer' | null;
	readonly name: string | null;
	readonly version: string;
	readonly serverTime: string;
	/** Over TLS. */
	readonly secure: boolean;
	/** How the command line is called on the machine of the centre; null: not signed in. */
	readonly cli: string | null;
};

/** Undefined until the server has said. */
export const session = signal<Session | undefined>(undefined);

/** True when the server answered. */
export async function loadSession(): Promise<boolean> {
	try {
		const heard = await api<Session>('/session');
		hearServerTime(heard.serverTime);
		session.value = heard;
		return true;
	} catch (error) {
		if (error instanceof ApiError) return false;
		throw error;
	}
}

/** @throws ApiError `unauthorized` where it is no token */
export async function signIn(token: string): Promise<void> {
	await api('/session', { method: 'POST', body: { token } });
	await loadSession();
}

export async function signOut(): Promise<void> {
	await api('/session', { method: 'DELETE', body: {} });
	await loadSession();
}

addEventListener('steward:unauthorized', () => {
	loadSession();
});
