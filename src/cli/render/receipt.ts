/**
 * Owns how a receipt reads: what happened to the message, why it may wait, until when.
 * Promises that presence is said as it is known: absent only where a centre would know.
 * Pure.
 */

import type { Receipt } from '../../domain/view.ts';
import { localTime } from '../../domain/zone.ts';
import type { Screen } from './screen.ts';
import { stateStyle } from './states.ts';
import { ago, timeWithAgo } from './time.ts';

/** One line a receipt. @param timeZone Of the times that its reader has in mind. */
export function receiptLine(receipt: Receipt, screen: Screen, nowMs: number, timeZone: string): string {
	const { state, handle, duplicate } = receipt;
	const due = receipt.notBefore && ['scheduled', 'accepted'].includes(state) ? receipt.notBefore : null;
	const facts = [
		due && `for ${localTime(Date.parse(due), timeZone).replace(/:00(?=[+-])/, '')} (${ago(due, nowMs)})`,
		...(duplicate
			? ['there already with the same content: nothing was added']
			: [`(${presenceText(receipt, nowMs)})`, waitText(receipt)]),
	];
	return [screen.paint(stateStyle(state), state), screen.paint('bold', handle), ...facts]
		.filter(Boolean)
		.join('  ');
}

function presenceText({ node, kind, state, presence, via }: Receipt, nowMs: number): string {
	if (via === 'outbox') return 'on the disk of the local node; it goes out when the link is back';
	const later =
		kind === 'event'
			? 'it is delivered when the node connects'
			: state === 'scheduled'
				? 'it runs when its time has come and the node is there'
				: 'it runs when the node connects';
	const since = presence.since === null ? '' : ` since ${timeWithAgo(presence.since, nowMs)}`;
	switch (presence.status) {
		case 'present':
			return `${node} is present`;
		case 'absent':
			return `${node} is absent${since}; ${later}`;
		case 'never':
			return `${node} was never seen; ${later}`;
		case 'unknown':
			return `whether ${node} is there is unknown: no centre${since || ' watches'}; ${later}`;
	}
}

function waitText({ position, deadline, kind, via }: Receipt): string {
	if (via === 'outbox') return '';
	const parts = [
		position === null ? '' : `position ${position}`,
		deadline === null ? '' : `${kind === 'event' ? 'delivered' : 'start'} before ${deadline}`,
	];
	return parts.filter(Boolean).join(', ');
}
