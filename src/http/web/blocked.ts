/**
 * Owns whether anything can be changed from here now, for every button that would.
 * Promises the reason where it cannot: who is signed in, or what does not answer; and none as soon as it can.
 * Dies with the page.
 */

import { computed } from '@preact/signals';
import { connection } from './live.ts';
import { session } from './session.ts';

/** Why nothing can be changed here now; empty where it can. */
export const blocked = computed(() => {
	if (session.value?.role === 'viewer') return 'you are signed in as a viewer: an operator may do this';
	const { state, gone } = connection.value;
	if (state !== 'lost') return '';
	return gone === 'broker'
		? 'the centre cannot reach its broker: nothing can be sent or changed until it is back'
		: 'the server does not answer: nothing can be sent or changed until it is back';
});
