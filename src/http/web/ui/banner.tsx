/**
 * Owns what is said across the page: a notice, a warning, a failure.
 * Promises a glyph beside its colour. Keeps nothing.
 */

import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

export function Banner({
	tone = 'note',
	children,
	action,
}: {
	tone?: 'note' | 'warn' | 'bad';
	children: ComponentChildren;
	action?: ComponentChildren;
}) {
	return (
		<div class={`banner ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
			<Icon name={tone === 'note' ? 'info' : 'warning'} />
			<div>{children}</div>
			{action}
		</div>
	);
}
