/**
 * Owns a text that one types and that is saved in the address.
 * Promises that the page follows each letter, and the address once one pauses: browsers refuse hundreds of changes a minute.
 * Keeps what is typed until then; it dies with its component.
 */

import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { query, setQuery } from './route.tsx';

const pauseMs = 250;

/** The text, and how it is changed. */
export function useUrlText(field: string): [text: Signal<string>, change: (text: string) => void] {
	const text = useSignal(query.value.get(field) ?? '');
	const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
	useEffect(() => {
		// Back and forward; what is being typed is newer.
		const end = query.subscribe((said) => {
			if (timer.current === undefined) text.value = said.get(field) ?? '';
		});
		return () => {
			end();
			clearTimeout(timer.current);
		};
	}, []);
	function change(next: string): void {
		text.value = next;
		clearTimeout(timer.current);
		timer.current = setTimeout(() => {
			timer.current = undefined;
			setQuery({ [field]: next });
		}, pauseMs);
	}
	return [text, change];
}
