/**
 * Owns the beginning of the page: who we are, then the live picture, while the frame is there already.
 * Promises that everything else is imported from here, and that nothing is kept in the browser but the theme and the address.
 */

import { effect } from '@preact/signals';
import { render } from 'preact';
import './style.css';
import { App } from './app.tsx';
import { startKeys } from './keys.ts';
import { connection, startLive, stopLive } from './live.ts';
import { fetchPage } from './pages/index.tsx';
import { whereabouts } from './places.ts';
import { showMarks } from './plain-text.ts';
import { loadSession, session } from './session.ts';
import { Button } from './ui/button.tsx';
import { toast } from './ui/toast.tsx';

showMarks();
const root = document.getElementById('app');
if (root) render(<App />, root);
startKeys();
// Its code is on the way while the server says who we are.
fetchPage(whereabouts(location.pathname)?.page ?? 'fleet');
loadSession().then((isHeard) => {
	// The live picture says that nobody answers, and tries again.
	if (!isHeard) startLive();
});

effect(() => {
	const role = session.value?.role;
	if (role === null) stopLive();
	else if (role !== undefined) startLive();
});

/** Of the server that this page is from. */
let version: string | undefined;
effect(() => {
	version ??= session.value?.version;
	if (session.value && session.value.version !== version) {
		version = session.value.version;
		toast(<NewVersion version={version} />, 'warn');
	}
});

// The server may be another one than before.
effect(() => {
	if (connection.value.state === 'live') loadSession();
});

function NewVersion({ version: now }: { version: string }) {
	return (
		<>
			The server is steward {now} now.{' '}
			<Button small onClick={() => location.reload()}>
				Load the page again
			</Button>
		</>
	);
}
