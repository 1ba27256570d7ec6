/**
 * Owns moments and durations on the page: relative in the text, absolute in the title.
 * Promises that only the text changes as time goes by, by the page's one clock. Keeps nothing.
 */

import { useComputed, useSignal } from '@preact/signals';
import { now } from '../clock.ts';
import { absolute, relative, wholeSeconds } from '../words.ts';

type Moment = string | number;

const msOf = (at: Moment) => (typeof at === 'number' ? at : Date.parse(at));

/** `at` is RFC 3339, or milliseconds. With `absolute` it is the text that is absolute. */
export function Time({
	at,
	class: className,
	form = 'relative',
}: {
	at: Moment;
	class?: string;
	form?: 'relative' | 'absolute';
}) {
	const moment = useSignal(at);
	moment.value = at;
	const words = useComputed(() => relative(msOf(moment.value), now.value));
	const full = absolute(msOf(at));
	const iso = typeof at === 'number' ? new Date(at).toISOString() : at;
	return (
		<time class={className} dateTime={iso} title={form === 'relative' ? full : words.value}>
			{form === 'relative' ? words : full}
		</time>
	);
}

/** How long it has been going on, by the second. */
export function Elapsed({ since, class: className }: { since: Moment; class?: string }) {
	const moment = useSignal(since);
	moment.value = since;
	const words = useComputed(() => wholeSeconds(now.value - msOf(moment.value)));
	return (
		<span class={className} title={`since ${absolute(msOf(since))}`}>
			{words}
		</span>
	);
}
