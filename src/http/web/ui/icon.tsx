/**
 * Owns the glyphs: small drawings of one weight that take the colour of their text.
 * Promises that none is the only sign of what it means: a word is beside it, or its button has a name.
 * Keeps nothing.
 */

/** What is behind a bar is filled. */
const paths = {
	dot: '|M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z',
	ring: 'M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z',
	circle: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z',
	dashed:
		'M6.6 2.7a5.5 5.5 0 0 1 2.8 0M11.7 4a5.5 5.5 0 0 1 1.5 2.4M13.3 9a5.5 5.5 0 0 1-1.2 2.6M9.8 13.2a5.5 5.5 0 0 1-3 .2M4.4 12.2a5.5 5.5 0 0 1-1.5-2.3M2.6 7.4A5.5 5.5 0 0 1 3.9 4.4',
	half: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z|M8 4.6a3.4 3.4 0 0 1 0 6.8z',
	check: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM5.6 8.2l1.7 1.7 3.2-3.6',
	cross: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM6.1 6.1l3.8 3.8M9.9 6.1L6.1 9.9',
	slash: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM4.3 11.7l7.4-7.4',
	clock: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.2l2.2 1.3',
	minus: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM5.5 8h5',
	question:
		'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM6.4 6.6c.1-1 .8-1.5 1.6-1.5s1.6.5 1.6 1.4c0 1.2-1.6 1.2-1.6 2.4M8 10.9v.1',
	again: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.8v2.4h-2.4',
	bolt: 'M8.8 2.5L4 9h3.6l-.6 4.5L12 7H8.3z',
	calendar: 'M3 4.5h10v8.5H3zM3 7h10M5.5 2.8v3M10.5 2.8v3',
	warning: 'M8 2.8l5.8 10.2H2.2zM8 6.5v3M8 11.3v.1',
	info: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 7.5v3.3M8 5.3v.1',
	search: 'M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4zM10.2 10.2l3.2 3.2',
	close: 'M4 4l8 8M12 4l-8 8',
	down: 'M8 3.5v9M4.5 9L8 12.5 11.5 9',
	chevron: 'M6 3.5L10.5 8 6 12.5',
	copy: 'M5.5 5.5h7.5v7.5H5.5zM3 10.5V3h7.5',
	pause: 'M5.5 3.5v9M10.5 3.5v9',
	play: 'M5 3.2v9.6L12.5 8z',
	stop: 'M4 4h8v8H4z',
	drain: 'M8 2.5v7M4.5 6.5L8 10l3.5-3.5M3 13.3h10',
	plus: 'M8 3.5v9M3.5 8h9',
	external: 'M6.5 3.5H3.5v9h9v-3M9 3h4v4M13 3L7.5 8.5',
	sun: 'M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1',
	moon: 'M12.8 9.8A5.5 5.5 0 0 1 6.2 3.2a5.5 5.5 0 1 0 6.6 6.6z',
	screen: 'M2.5 3.5h11v7.5h-11zM6 13.5h4',
	keyboard: 'M1.8 4h12.4v8H1.8zM4 6.5h.1M6.6 6.5h.1M9.3 6.5h.1M12 6.5h.1M5 9.5h6',
	fleet: 'M2.5 9.5h11l-2.3 3.5H4.8zM7.2 3v5H3.8zM8.8 4.5V8h3z',
	list: 'M3 4h.1M6 4h7M3 8h.1M6 8h7M3 12h.1M6 12h7',
	send: 'M13.5 2.5L2.5 7l4.5 2 2 4.5zM7 9l6.5-6.5',
	dead: 'M2.5 4h11v8.5h-11zM2.5 4.5L8 9l5.5-4.5',
	chart: 'M2.5 13.5h11M4 11V8M7 11V4M10 11V6.5M13 11V5',
	leave: 'M6.5 3H3v10h3.5M7 8h6.5M11 5.5L13.5 8 11 10.5',
	download: 'M8 2.5v7M4.8 6.5L8 9.7l3.2-3.2M3 12.8h10',
	edit: 'M3 13l.6-2.8L10.8 3l2.2 2.2-7.2 7.2zM9.3 4.5l2.2 2.2',
	bin: 'M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
	filter: 'M2.5 3.5h11L9.5 8.5v4l-3 1v-5z',
	up: 'M8 12.5v-9M4.5 7L8 3.5 11.5 7',
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name, size = 16, tone }: { name: IconName; size?: number; tone?: string }) {
	const [drawn, filled] = paths[name].split('|');
	return (
		<svg
			class={tone && `tone-${tone}`}
			width={size}
			height={size}
			viewBox="0 0 16 16"
			fill="none"
			stroke="currentColor"
			stroke-width="1.4"
			stroke-linecap="round"
			stroke-linejoin="round"
			aria-hidden="true"
		>
			{drawn !== '' && <path d={drawn} />}
			{filled && <path d={filled} fill="currentColor" stroke="none" />}
		</svg>
	);
}

/** Turns slowly: something is on its way. */
export function Spinner({ size = 16 }: { size?: number }) {
	return (
		<span class="spinner">
			<Icon name="again" size={size} />
		</span>
	);
}
