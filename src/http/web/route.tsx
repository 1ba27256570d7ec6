/**
 * Owns the address: which page it names, and the filters that are saved in it.
 * Promises that every view can be linked to, and that back and forward work.
 * Keeps nothing beside the address.
 */

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

/** The path, without its query. */
export const path = signal(location.pathname);
/** What the query says. */
export const query = signal(new URLSearchParams(location.search));

function read(): void {
	path.value = location.pathname;
	query.value = new URLSearchParams(location.search);
}

addEventListener('popstate', read);

export function navigate(to: string, { replace = false } = {}): void {
	if (replace) history.replaceState(null, '', to);
	else history.pushState(null, '', to);
	read();
	if (!replace) scrollTo(0, 0);
}

/** Sets or, with an empty value, removes one field of the query, in the place of the present address. */
export function setQuery(fields: Readonly<Record<string, string>>): void {
	const next = new URLSearchParams(location.search);
	for (const [name, value] of Object.entries(fields)) {
		if (value === '') next.delete(name);
		else next.set(name, value);
	}
	const text = next.toString();
	navigate(text === '' ? location.pathname : `${location.pathname}?${text}`, { replace: true });
}

export function Link({
	to,
	class: className,
	title,
	current,
	children,
}: {
	to: string;
	class?: string;
	title?: string;
	/** Where it is not the address itself that says whether this is the page. */
	current?: boolean;
	children: ComponentChildren;
}) {
	return (
		<a
			class={className}
			title={title}
			href={to}
			aria-current={(current ?? path.value === to.split('?')[0]) ? 'page' : undefined}
			onClick={(event) => {
				if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
					return;
				event.preventDefault();
				navigate(to);
			}}
		>
			{children}
		</a>
	);
}
