/**
 * Owns the beginning of the page: who we are, then the live picture, while the frame is there already.
 * Promises that everything else is imported from here, and that nothing is kept in the browser but the theme and the address.
 */

import { effect } from '@preact/signals';
import { render } from 'preact';
import './style.css';
import { App } from './app.tsx';
import { startKeys } from './keys.ts';
import { startLive, stopLive } from './live.ts';
import { showMarks } from './plain-text.ts';
import { loadSession, session } from './session.ts';

showMarks();
const root = document.getElementById('app');
if (root) render(<App />, root);
startKeys();
// Most need no token: the picture is loaded without waiting for the word on it.
startLive();
loadSession();
let before: string | null | undefined;
effect(() => {
	const role = session.value?.role;
	if (role === before) return;
	if (role === null) stopLive();
	else startLive();
	before = role;
});
