/**
 * Owns the marks of a state: a glyph in its tone, and its word.
 * Promises that colour is never the only sign. Keeps nothing.
 */

import type { NodeRow } from '../../../domain/row-schema.ts';
import type { CommandView } from '../../../domain/view-schema.ts';
import { type Look, lookOfPresence, lookOfState } from '../states.ts';
import { Icon } from './icon.tsx';
import { Time } from './time.tsx';

function Badge({
	look,
	title,
	children,
}: {
	look: Look;
	title?: string;
	children?: preact.ComponentChildren;
}) {
	return (
		<span class="badge" title={title}>
			<Icon name={look.icon} tone={look.tone} />
			<span>
				{look.word}
				{children}
			</span>
		</span>
	);
}

/** `late`: something came after the final state. */
export function StateBadge({ state, title }: { state: CommandView['state']; title?: string }) {
	return <Badge look={lookOfState(state)} {...(title === undefined ? {} : { title })} />;
}

export function PresenceBadge({ presence, since }: Pick<NodeRow, 'presence' | 'since'>) {
	return (
		<Badge look={lookOfPresence(presence)}>
			{since !== null && (
				<>
					{' '}
					<Time at={since} class="muted" />
				</>
			)}
		</Badge>
	);
}
