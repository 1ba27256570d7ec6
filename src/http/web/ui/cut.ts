/**
 * Owns whether a part of the page has more in it than its height shows.
 * Promises the answer of how it is laid out now; while it is shown whole, the last one stays. Dies with its component.
 */

import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

/** Differences of the font's own are no more than this. */
const spareHeight = 3;

/** @param isWhole The part is shown without its bound. */
export function useCut<Part extends HTMLElement>(isWhole: ReadonlySignal<boolean>) {
	const element = useRef<Part>(null);
	const isCut = useSignal(false);
	const look = () => {
		const { current } = element;
		if (current && !isWhole.peek()) isCut.value = current.scrollHeight > current.clientHeight + spareHeight;
	};
	useLayoutEffect(look);
	useEffect(() => {
		const watch = new ResizeObserver(look);
		if (element.current) watch.observe(element.current);
		return () => watch.disconnect();
	}, [element.current]);
	return { element, isCut };
}
