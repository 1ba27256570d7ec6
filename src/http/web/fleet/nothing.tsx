/**
 * Owns what the page of the fleet says where it has no row: no node at all, or none that fits the search.
 * Keeps nothing.
 */

import { StartNode } from '../node/start.tsx';
import { Button, ButtonLink } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty.tsx';

export function NoNodes() {
	return (
		<EmptyState icon="fleet" title="No ship yet">
			<StartNode node="ship1" />
			<p>It appears here by itself. A command may be queued before: it waits for its node.</p>
			<ButtonLink to="/send" icon="send">
				Send to a node that nobody has seen
			</ButtonLink>
		</EmptyState>
	);
}

export function NoMatch({ onClear }: { onClear: () => void }) {
	return (
		<EmptyState icon="search" title="No node fits">
			<p>
				Words are looked for in names and labels; <code>role=tug</code>, <code>!present</code>,{' '}
				<code>failing</code>, <code>paused</code> and <code>clock</code> narrow it further.
			</p>
			<Button onClick={onClear}>Show all</Button>
		</EmptyState>
	);
}
