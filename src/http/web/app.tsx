/**
 * Owns the frame of the page: where one may go, how the connection stands, and which page the address names.
 * Promises that a page which is not there says so. Keeps nothing.
 */

import { Link, path } from './route.tsx';

const places = [
	['/', 'Fleet'],
	['/commands', 'Commands'],
	['/send', 'Send'],
	['/schedules', 'Schedules'],
	['/dead', 'Dead letters'],
	['/charts', 'Charts'],
] as const;

export function App() {
	return (
		<>
			<header>
				<strong>steward</strong>
				<nav aria-label="Pages">
					{places.map(([to, name]) => (
						<Link key={to} to={to}>
							{name}
						</Link>
					))}
				</nav>
			</header>
			<main id="main">
				<p>There is no page at {path.value}.</p>
			</main>
		</>
	);
}
