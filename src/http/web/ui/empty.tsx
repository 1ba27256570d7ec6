/**
 * Owns what stands where nothing is: why, and what to do next.
 * Promises commands that can be copied as they are. Keeps nothing.
 */

import type { ComponentChildren } from 'preact';
import { session } from '../session.ts';
import { Button } from './button.tsx';
import type { IconName } from './glyphs.ts';
import { Icon } from './icon.tsx';
import { LongText } from './long-text.tsx';
import { toast } from './toast.tsx';

export function EmptyState({
	icon,
	title,
	children,
}: {
	icon?: IconName;
	title: string;
	children?: ComponentChildren;
}) {
	return (
		<div class="empty">
			{icon && <Icon name={icon} size={28} />}
			<h2>{title}</h2>
			<div>{children}</div>
		</div>
	);
}

/** `steward …` as it is typed where the centre runs. */
export function asTyped(line: string): string {
	const cli = session.value?.cli;
	return cli && line.startsWith('steward ') ? `${cli}${line.slice('steward'.length)}` : line;
}

/** Copies, and says so; where the browser does not let it, it says how. */
export async function copyText(text: string): Promise<void> {
	try {
		await navigator.clipboard.writeText(text);
		toast('Copied.');
	} catch {
		toast('The browser does not let this page copy: select the text instead.', 'warn');
	}
}

export function Copyable({ text: line, label = 'Copy' }: { text: string; label?: string }) {
	const text = asTyped(line);
	return (
		<div class="copyable">
			<LongText lines={5}>
				<code>{text}</code>
			</LongText>
			<Button kind="quiet" small icon="copy" label={label} onClick={() => copyText(text)} />
		</div>
	);
}
