/**
 * Owns the keys: what each does, on which page, and the list that `?` shows.
 * Promises that no key is taken while one types, and none that the browser or a screen reader needs with a modifier.
 * Dies with the page.
 */

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export type KeyUse = {
	/** `j`, `Enter`, `/`; or two after each other: `g f`. */
	readonly keys: string;
	readonly words: string;
	/** Answer `false` where the key was not for it: the browser has it then. */
	readonly run: () => unknown;
};

const uses = signal<readonly (readonly KeyUse[])[]>([]);
/** What can be pressed now, the frame's first. */
export const keyUses = () => uses.value.flat();

/** How long the second key of `g f` may take. */
const betweenMs = 1200;
let first: { key: string; at: number } | undefined;

/** Takes keys as long as the component is there. */
export function useKeys(own: readonly KeyUse[]): void {
	const latest = useRef(own);
	latest.current = own;
	useEffect(() => {
		const stable = own.map(({ keys, words }) => ({
			keys,
			words,
			run: () => latest.current.find((one) => one.keys === keys)?.run(),
		}));
		uses.value = [...uses.value, stable];
		return () => {
			uses.value = uses.value.filter((one) => one !== stable);
		};
	}, []);
}

export function startKeys(): void {
	document.addEventListener('keydown', (event) => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
		if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
		const pair = first && event.timeStamp - first.at < betweenMs ? `${first.key} ${event.key}` : undefined;
		first = { key: event.key, at: event.timeStamp };
		const open = uses.value.flat().reverse();
		const use = open.find(({ keys }) => keys === pair) ?? open.find(({ keys }) => keys === event.key);
		if (!use || (use.keys === 'Enter' && isControl(event.target))) return;
		if (use.run() !== false) event.preventDefault();
	});
}

function isTyping(target: EventTarget | null): boolean {
	return (
		target instanceof HTMLElement &&
		(target.isContentEditable ||
			target instanceof HTMLTextAreaElement ||
			target instanceof HTMLSelectElement ||
			(target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type)))
	);
}

/** Enter is theirs. */
function isControl(target: EventTarget | null): boolean {
	return target instanceof HTMLElement && target.closest('a, button, summary, [role="tab"]') !== null;
}
