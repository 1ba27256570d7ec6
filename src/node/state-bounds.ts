/**
 * Owns that a node's state fits one message of the broker: one that does not would never be heard of again.
 * Promises that lanes, pauses and what runs are always told, that schemas go before words, and that what is left out says so.
 * Pure.
 */

import { cutText } from '../base/text.ts';
import type { NodeState, Pause } from '../domain/node-state.ts';
import { largestSchemas, withSchemaNote } from './processes/schema-bounds.ts';

/** What the centre writes around a state where it keeps it, and room for its headers. */
const recordBytes = 8 * 1024;
const shortText = 100;

/** From the least loss to the greatest. */
const cuts: readonly ((state: NodeState, excess: number) => NodeState)[] = [withoutSchemas, withShortTexts];

/** The state, or as much of it as the broker and the centre can take, where a message may have `maxPayload` bytes. */
export function boundedState(state: NodeState, maxPayload: number): NodeState {
	let bounded = state;
	for (const cut of cuts) {
		const excess = Buffer.byteLength(JSON.stringify(bounded)) - (maxPayload - recordBytes);
		if (excess <= 0) break;
		bounded = cut(bounded, excess);
	}
	return bounded;
}

function withoutSchemas(state: NodeState, excess: number): NodeState {
	const schemas = state.methods.map(({ data }) => data);
	const leftOut = largestSchemas(schemas, excess);
	const methods = state.methods.map((method, index) => {
		const bytes = leftOut.get(index);
		if (bytes === undefined) return method;
		return { ...method, data: {}, description: withSchemaNote(method.description, bytes) };
	});
	return { ...state, methods };
}

function withShortTexts(state: NodeState): NodeState {
	const short = <Held extends Pause>(pause: Held) => ({ ...pause, reason: cutText(pause.reason, shortText) });
	return {
		...state,
		methods: state.methods.map((method) =>
			method.description === undefined
				? method
				: { ...method, description: cutText(method.description, shortText) },
		),
		lanes: state.lanes.map((lane) => ({ ...lane, pause: lane.pause && short(lane.pause) })),
		stopped: state.stopped.map(short),
	};
}
