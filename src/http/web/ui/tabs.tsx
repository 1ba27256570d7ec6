/**
 * Owns tabs: one of several views of the same thing.
 * Promises the keys of tabs (arrows, Home, End) and that the panel is named by its tab. Keeps nothing: who uses it holds which is open.
 */

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { count as grouped } from '../words.ts';

export type Tab = { readonly id: string; readonly title: string; readonly count?: number | undefined };

export function Tabs({
	label,
	tabs,
	active,
	onChange,
	children,
}: {
	label: string;
	tabs: readonly Tab[];
	active: string;
	onChange: (id: string) => void;
	/** The panel of the active one. */
	children: ComponentChildren;
}) {
	const base = useId();
	function move(event: KeyboardEvent): void {
		const at = tabs.findIndex(({ id }) => id === active);
		const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
		if (to === undefined) return;
		event.preventDefault();
		const next = tabs[(to + tabs.length) % tabs.length];
		if (!next) return;
		onChange(next.id);
		document.getElementById(`${base}-${next.id}`)?.focus();
	}
	return (
		<div class="tabbed">
			<div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
				{tabs.map(({ id, title, count }) => (
					<button
						key={id}
						type="button"
						role="tab"
						id={`${base}-${id}`}
						aria-selected={id === active}
						aria-controls={`${base}-panel`}
						tabIndex={id === active ? 0 : -1}
						onClick={() => onChange(id)}
					>
						{title}
						{count !== undefined && <span class="tab-count">{grouped(count)}</span>}
					</button>
				))}
			</div>
			<div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${active}`}>
				{children}
			</div>
		</div>
	);
}
