/**
 * Owns a row of a fleet's table for tests: a present node of which nothing is remarkable.
 * Pure.
 */

import type { NodeRow } from '../../src/domain/row-schema.ts';

export function nodeRow(node: string, more: Partial<NodeRow> = {}): NodeRow {
	return {
		node,
		presence: 'present',
		since: null,
		version: '1.0.0',
		labels: {},
		queued: 0,
		oldestQueuedAt: null,
		running: 0,
		failing: 0,
		clockOffsetMs: 0,
		outbox: 0,
		paused: false,
		conflict: false,
		decommissioned: false,
		...more,
	};
}
