/**
 * Owns buttons, and links that look like them.
 * Promises that one which may not be used says why: it stays reachable, and does nothing.
 * Keeps nothing.
 */

import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { Link } from '../route.tsx';
import type { IconName } from './glyphs.ts';
import { Icon, Spinner } from './icon.tsx';

type Look = {
	/** `quiet` has no border until it is pointed at; `destroy` is what a dialog is about. */
	kind?: 'plain' | 'primary' | 'danger' | 'destroy' | 'quiet';
	small?: boolean;
	icon?: IconName;
	/** Its name where it shows its glyph only; else its title. */
	label?: string;
	children?: ComponentChildren;
};

export function Button({
	kind = 'plain',
	small,
	icon,
	label,
	children,
	type = 'button',
	busy = false,
	blocked,
	onClick,
	form,
	...rest
}: Look & {
	type?: 'button' | 'submit';
	/** What it did is on its way: it takes no second press. */
	busy?: boolean;
	/** Why it cannot be used now; undefined or empty: it can. */
	blocked?: string | undefined;
	form?: string;
	onClick?: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
	'aria-pressed'?: boolean;
	'aria-expanded'?: boolean;
	'aria-controls'?: string;
}) {
	const off = busy || (blocked !== undefined && blocked !== '');
	return (
		<button
			{...rest}
			class={classOf(kind, small, children)}
			type={type}
			form={form}
			aria-disabled={off || undefined}
			aria-busy={busy || undefined}
			aria-label={children === undefined ? label : undefined}
			title={blocked || label}
			onClick={(event) => {
				if (!off) return onClick?.(event);
				event.preventDefault();
			}}
		>
			{busy ? <Spinner size={14} /> : icon && <Icon name={icon} size={14} />}
			{children}
			{blocked && <span class="hidden-text"> ({blocked})</span>}
		</button>
	);
}

export function ButtonLink({ to, kind = 'plain', small, icon, label, children }: Look & { to: string }) {
	return (
		<Link to={to} class={classOf(kind, small, children)} {...(label === undefined ? {} : { title: label })}>
			{icon && <Icon name={icon} size={14} />}
			{children}
		</Link>
	);
}

function classOf(kind: string, small: boolean | undefined, children: ComponentChildren): string {
	return `button ${kind === 'plain' ? '' : kind}${small ? ' small' : ''}${children === undefined ? ' icon-only' : ''}`;
}
