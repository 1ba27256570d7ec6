/**
 * Owns the glyphs: small drawings of one weight that take the colour of their text.
 * Promises that none is the only sign of what it means: a word is beside it, or its button has a name.
 * Keeps nothing.
 */

import { glyphs, type IconName } from './glyphs.ts';

export function Icon({ name, size = 16, tone }: { name: IconName; size?: number; tone?: string }) {
	const [drawn, filled] = glyphs[name].split('|');
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
