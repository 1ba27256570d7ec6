/**
 * Owns the box that one searches in, and the chips that narrow a list.
 * Promises that `/` leads to it, Enter on to what was found, that Escape empties it and then leaves it, and that a chip says whether it is
 * pressed.
 * Keeps nothing.
 */

import type { ComponentChildren } from 'preact';
import { count as grouped } from '../words.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

export function SearchBox({
	value,
	onChange,
	label,
	placeholder,
}: {
	value: string;
	onChange: (value: string) => void;
	label: string;
	placeholder?: string;
}) {
	return (
		<search class="search">
			<Icon name="search" size={14} />
			<input
				class="input"
				type="search"
				data-search
				value={value}
				aria-label={label}
				placeholder={placeholder}
				spellcheck={false}
				autoComplete="off"
				onInput={(event) => onChange(event.currentTarget.value)}
				onKeyDown={(event) => {
					if (event.key !== 'Escape' && event.key !== 'Enter') return;
					event.preventDefault();
					if (value === '' || event.key === 'Enter') event.currentTarget.blur();
					else onChange('');
				}}
			/>
			{value === '' ? (
				<span class="search-key not-narrow" aria-hidden="true">
					<kbd>/</kbd>
				</span>
			) : (
				<Button kind="quiet" small icon="close" label="Empty the search" onClick={() => onChange('')} />
			)}
		</search>
	);
}

export function Chip({
	pressed,
	onPress,
	count,
	title,
	children,
}: {
	pressed: boolean;
	onPress: () => void;
	count?: number | undefined;
	title?: string;
	children: ComponentChildren;
}) {
	return (
		<button type="button" class="chip" aria-pressed={pressed} title={title} onClick={onPress}>
			<span class="clip">{children}</span>
			{count !== undefined && <span class="chip-count">{grouped(count)}</span>}
		</button>
	);
}
