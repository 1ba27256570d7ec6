/**
 * Owns the frame of the page: where one may go, how the connection stands, who is signed in, the keys of everywhere, and which page the
 * address names.
 * Promises that a page which is not there says so, and that a lost connection is seen on each. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { LostBar, Top } from './frame.tsx';
import { KeyHelp } from './key-help.tsx';
import { useKeys } from './keys.ts';
import { connection } from './live.ts';
import { Page } from './pages/index.tsx';
import { places, whereabouts } from './places.ts';
import { navigate, path } from './route.tsx';
import { session } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { ButtonLink } from './ui/button.tsx';
import { EmptyState } from './ui/empty.tsx';
import { Toasts } from './ui/toast.tsx';
import './ui/frame.css';
import './ui/controls.css';
import './ui/surfaces.css';
import './ui/table.css';

export function App() {
	const help = useSignal(false);
	const here = whereabouts(path.value);
	const signedOut = session.value?.auth === 'token' && session.value.role === null;
	// What a page asks before it is known who asks would only be refused.
	const mayAsk = session.value !== undefined || connection.value.state !== 'connecting';
	useKeys([
		{ keys: '?', words: 'these keys', run: () => (help.value = true) },
		{ keys: '/', words: 'search', run: focusSearch },
		...places.map(({ to, name, key }) => ({
			keys: `g ${key}`,
			words: `go to ${name}`,
			run: () => navigate(to),
		})),
	]);
	useEffect(() => {
		const name = places.find(({ to }) => to === here?.place)?.name;
		document.title = [here?.id, name, 'steward'].filter(Boolean).join(' · ');
	}, [here?.id, here?.place]);
	return (
		<>
			<a class="skip button" href="#main">
				Skip to the page
			</a>
			<Top place={here?.place} onHelp={() => (help.value = true)} signedOut={signedOut} />
			<LostBar />
			<main id="main" tabIndex={-1} data-stale={connection.value.state === 'lost' || undefined}>
				{signedOut ? (
					<SignIn />
				) : !here ? (
					<Nowhere />
				) : mayAsk ? (
					<Page name={here.page} id={here.id} />
				) : null}
			</main>
			{help.value && <KeyHelp onClose={() => (help.value = false)} />}
			<Toasts />
		</>
	);
}

function Nowhere() {
	return (
		<div class="page">
			<EmptyState icon="question" title="There is no such page">
				<p class="wrap">{path.value} names nothing here.</p>
				<ButtonLink to="/">To the fleet</ButtonLink>
			</EmptyState>
		</div>
	);
}

function focusSearch(): boolean {
	const box = document.querySelector('[data-search]');
	if (!(box instanceof HTMLInputElement)) return false;
	box.focus();
	box.select();
	return true;
}
