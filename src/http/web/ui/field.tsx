/**
 * Owns one field of a form: its label, what it means, and what is wrong with it.
 * Promises that a reader of the screen hears all three. Keeps nothing.
 */

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from './icon.tsx';
import { LongText } from './long-text.tsx';

type FieldProps = {
	label: string;
	/** Stands beside the label, fainter: `optional`, a unit. */
	note?: string;
	hint?: ComponentChildren;
	error?: string | undefined;
	/** `described` belongs to aria-describedby of the input. */
	children: (id: string, described: string | undefined) => ComponentChildren;
};

export function Field({ label, note, hint, error, children }: FieldProps) {
	const id = useId();
	const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
	return (
		<div class="field">
			<label class="field-label" for={id}>
				{label}
				{note && <span class="faint"> {note}</span>}
			</label>
			{children(id, described === '' ? undefined : described)}
			{hint && (
				<div class="field-hint" id={`${id}-hint`}>
					{typeof hint === 'string' ? <LongText>{hint}</LongText> : hint}
				</div>
			)}
			{error && (
				<div class="field-error" id={`${id}-error`}>
					<Icon name="warning" size={14} />
					<LongText>{error}</LongText>
				</div>
			)}
		</div>
	);
}
