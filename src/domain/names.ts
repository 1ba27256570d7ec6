/**
 * Owns the rules for names: nodes, methods, lanes, kinds, ids, handles.
 * Promises that whatever passes here is safe as a token of a subject, a consumer's name and a file's name.
 * Pure.
 */

import { StewardError } from '../base/errors.ts';

export const kinds = ['command', 'event'] as const;
export type Kind = (typeof kinds)[number];

/** Lanes are a fixed set, because names in a server's permissions are whole tokens. */
export const lanes = ['control', 'urgent', 'normal', 'events', 'bulk'] as const;
export type Lane = (typeof lanes)[number];

/** Lanes that a sender may pick for a command. `control` is the centre's own, `events` carries no commands. */
export const commandLanes = ['urgent', 'normal', 'bulk'] as const satisfies readonly Lane[];
export type CommandLane = (typeof commandLanes)[number];

/** The node that the centre's machine runs, and the address of events for people. */
export const centralNode = 'central';

/** Who sent it, where no node did. They begin with `_`, which no node's name may. */
export const operatorSender = '_operator';
export const rawSender = '_raw';

/** Letters, digits, `_`, `-`; not all digits (it would parse as a sequence in an ack subject); no leading `_`. */
export const nodeNamePattern = /^(?!_)(?!\d+$)[A-Za-z0-9_-]{1,63}$/;
export const scheduleNamePattern = /^[A-Za-z0-9_-]{1,64}$/;
export const methodNamePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
export const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** `<node>.<id>` */
export const handlePattern = /^(?!_)(?!\d+\.)[A-Za-z0-9_-]{1,63}\.[A-Za-z0-9_-]{1,64}$/;

export const nodeNameRule =
	'1 to 63 letters, digits, "_" or "-", not beginning with "_", not digits only (for example ship1)';
export const methodNameRule = '1 to 64 letters, digits, "_" or "-", beginning with a letter';
export const scheduleNameRule = '1 to 64 letters, digits, "_" or "-" (for example nightly-backup)';
export const idRule = '1 to 64 letters, digits, "_" or "-"';

export function isNodeName(text: string): boolean {
	return nodeNamePattern.test(text);
}

/** Who may have sent something: a node, or one of those that stand for no node. */
export function isSender(text: string): boolean {
	return text === operatorSender || text === rawSender || isNodeName(text);
}

export function isLane(text: string): text is Lane {
	return (lanes as readonly string[]).includes(text);
}

/** A command's handle, also its key in the ledger: `<node>.<id>`. */
export type Handle = { readonly node: string; readonly id: string };

export function formatHandle({ node, id }: Handle): string {
	return `${node}.${id}`;
}

/** @throws StewardError `usage` when the text is no `<node>.<id>`. */
export function parseHandle(text: string): Handle {
	const dot = text.indexOf('.');
	const node = text.slice(0, Math.max(dot, 0));
	const id = text.slice(dot + 1);
	if (dot < 0 || !isNodeName(node) || !idPattern.test(id)) {
		throw new StewardError(
			'usage',
			`"${text}" is no handle: expected <node>.<id>, as steward send printed it (steward list shows them)`,
		);
	}
	return { node, id };
}

/** The node of what is known to be a handle. */
export function nodeOfHandle(handle: string): string {
	return handle.slice(0, handle.indexOf('.'));
}

/** A handle in either of its forms. @throws StewardError `usage` */
export function toHandle(handle: string | Handle): Handle {
	return typeof handle === 'string' ? parseHandle(handle) : handle;
}
