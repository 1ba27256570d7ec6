/**
 * Owns the door through which all text comes onto the page.
 * Promises that no text from elsewhere (a label, a message, a node's word) turns the direction of writing, hides a character or carries
 * a control: such marks are shown as JSON would write them, as the command line does.
 * Installed once, before anything is drawn; keeps nothing.
 */

import { Fragment, options } from 'preact';
import { neutralise } from '../../base/text.ts';

/** Attributes that are read as text. */
const texts = ['title', 'aria-label', 'placeholder', 'alt'];

export function showMarks(): void {
	const before = options.vnode;
	options.vnode = (vnode) => {
		if (typeof vnode.type === 'string' || vnode.type === Fragment) {
			const props: Record<string, unknown> = vnode.props;
			if (props.children !== undefined) props.children = shown(props.children);
			for (const name of texts) if (typeof props[name] === 'string') props[name] = shown(props[name]);
		}
		before?.(vnode);
	};
}

function shown(children: unknown): unknown {
	if (typeof children === 'string') return neutralise(children);
	if (!Array.isArray(children)) return children;
	return children.some((child) => typeof child === 'string' || Array.isArray(child))
		? children.map(shown)
		: children;
}
