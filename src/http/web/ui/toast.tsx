/**
 * Owns the short words after something was done: what became of it, in the corner, read out as well.
 * Promises that a failure stays until it is taken away, and that the rest goes by itself unless it is pointed at.
 * Dies with the page.
 */

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

type Tone = 'ok' | 'warn' | 'bad';
type Toast = { readonly key: number; readonly tone: Tone; readonly words: ComponentChildren };

const shownMs = 6000;
const most = 4;
const toasts = signal<readonly Toast[]>([]);
let keys = 0;

export function toast(words: ComponentChildren, tone: Tone = 'ok'): void {
	keys += 1;
	const one = { key: keys, tone, words };
	toasts.value = [...toasts.value.slice(1 - most), one];
	if (tone !== 'bad') later(one.key);
}

function later(key: number): void {
	setTimeout(() => {
		if (document.querySelector('.toasts:is(:hover, :focus-within)')) later(key);
		else drop(key);
	}, shownMs);
}

function drop(key: number): void {
	toasts.value = toasts.value.filter((one) => one.key !== key);
}

const icons = { ok: 'check', warn: 'warning', bad: 'warning' } as const;

export function Toasts() {
	return (
		<section class="toasts" aria-live="polite" aria-label="What was done">
			{toasts.value.map(({ key, tone, words }) => (
				<div class="toast" key={key}>
					<Icon name={icons[tone]} tone={tone} />
					<div>{words}</div>
					<Button kind="quiet" small icon="close" label="Take away" onClick={() => drop(key)} />
				</div>
			))}
		</section>
	);
}
