/**
 * Owns the top of every page: its places, how the connection stands, the theme, help, and who is signed in.
 * Promises that a lost connection says since when, and that it can be tried at once. Keeps nothing.
 */

import { connection, indexing, nodes, reconnectNow } from './live.ts';
import { places } from './places.ts';
import { Link } from './route.tsx';
import { session, signOut } from './session.ts';
import { nextTheme, theme } from './theme.ts';
import { Button } from './ui/button.tsx';
import { Icon } from './ui/icon.tsx';
import { Time } from './ui/time.tsx';
import { absolute } from './words.ts';

export function Top({
	place,
	onHelp,
	signedOut,
}: {
	place: string | undefined;
	onHelp: () => void;
	signedOut: boolean;
}) {
	return (
		<header class="top">
			<Link to="/" class="brand" title="steward: the fleet">
				<Mark />
				<span>steward</span>
			</Link>
			{!signedOut && (
				<nav class="places" aria-label="Pages">
					{places.map(({ to, name, icon }) => (
						<Link key={to} to={to} current={to === place}>
							<Icon name={icon} />
							<span class="place-name" data-name={name}>
								{name}
							</span>
						</Link>
					))}
				</nav>
			)}
			<div class="top-end">
				{!signedOut && <LinkState />}
				<ThemeButton />
				<Button kind="quiet" icon="keyboard" label="Keys and help" onClick={onHelp} />
				<Who />
			</div>
		</header>
	);
}

function Mark() {
	return (
		<svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
			<rect width="32" height="32" rx="7" fill="#0b5cad" />
			<path d="M6 19h20l-4 6H10z" fill="#fff" />
			<path d="M15 6v11H8zM17.500 8v9H23z" fill="#fff" />
		</svg>
	);
}

function LinkState() {
	const { state, gone } = connection.value;
	const lost = gone === 'broker' ? 'no broker' : 'connection lost';
	const word = { connecting: 'connecting', live: 'live', lost }[state];
	return (
		<span
			class="link-state"
			role="status"
			title={state === 'live' ? 'what you see is kept up to date' : word}
		>
			<Icon
				name={state === 'live' ? 'dot' : state === 'lost' ? 'warning' : 'dashed'}
				tone={state === 'live' ? 'ok' : state === 'lost' ? 'warn' : 'wait'}
			/>
			<span class="live-word">{word}</span>
		</span>
	);
}

function ThemeButton() {
	const icon = ({ system: 'screen', light: 'sun', dark: 'moon' } as const)[theme.value];
	return <Button kind="quiet" icon={icon} label={`Theme: ${theme.value}`} onClick={nextTheme} />;
}

function Who() {
	const { auth, role, name } = session.value ?? {};
	if (auth !== 'token' || role === null) return null;
	return (
		<>
			<span class="who clip" title={`signed in as ${name}, ${role}`}>
				{name}
				{role === 'viewer' && <span class="faint"> (viewer)</span>}
			</span>
			<Button kind="quiet" icon="leave" label="Sign out" onClick={() => signOut()} />
		</>
	);
}

/** Lies over the end of the page: what is read does not move. */
export function LostBar() {
	const { state, gone } = connection.value;
	return (
		<div class="lost-bar" aria-live="polite">
			{state === 'lost' ? (
				<div>
					<Icon name="warning" />
					<LostWords />
					{(gone === 'server' || nodes.value === undefined) && (
						<Button small onClick={reconnectNow}>
							Try now
						</Button>
					)}
				</div>
			) : (
				indexing.value && (
					<div>
						<Icon name="info" />
						<span>The centre is still reading its index: some may be missing for a moment.</span>
					</div>
				)
			)}
		</div>
	);
}

function LostWords() {
	const { since, gone, why } = connection.value;
	const from = (
		<>
			{absolute(since).slice(11, 19)} (<Time at={since} />)
		</>
	);
	if (nodes.value === undefined)
		return (
			<span>
				{why ?? 'The server does not answer.'} Nothing is loaded yet: the page tries again by itself.
			</span>
		);
	if (gone === 'broker')
		return (
			<span>
				The centre has not reached its broker since {from}. What you see is from then. It comes back by
				itself.
			</span>
		);
	return (
		<span>
			{why ?? 'The server does not answer.'} What you see is from {from}. It comes back by itself.
		</span>
	);
}
