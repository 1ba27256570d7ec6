/**
 * Owns how a node is shown of which nobody ever heard: as one that has said nothing.
 * Pure.
 */

import type { NodeView } from '../../../domain/view-schema.ts';

export function unseenNode(node: string): NodeView {
	return {
		node,
		presence: 'never',
		since: null,
		lastSeenAt: null,
		version: null,
		labels: {},
		platform: null,
		startedAt: null,
		clockOffsetMs: null,
		methods: [],
		lanes: [],
		stopped: [],
		running: [],
		unreported: [],
		trust: null,
		access: null,
		queued: 0,
		outbox: null,
		conflict: null,
		decommissioned: null,
		queueFull: null,
		loud: null,
	};
}
