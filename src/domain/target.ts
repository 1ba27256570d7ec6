/**
 * Owns whom something is for: names, or labels that the nodes' states are matched against.
 * Promises that messages and schedules say it in the same fields, with the same problems, and mean the same nodes.
 * Pure.
 */

import { z } from 'zod';
import { nodeNamePattern, nodeNameRule } from './names.ts';
import { matchesLabels, type NodeState } from './node-state.ts';

const nodeName = z.string().regex(nodeNamePattern, { error: `expected ${nodeNameRule}` });

/** Of a form: exactly one of them is to be there, {@link targetProblems}. */
export const targetFields = {
	toNode: nodeName.optional(),
	toNodes: z.array(nodeName).min(1).optional(),
	where: z
		.record(z.string(), z.string())
		.refine((labels) => Object.keys(labels).length > 0, { error: 'expected at least one label' })
		.optional(),
} as const;

export type Target =
	| { readonly nodes: readonly string[] }
	| { readonly where: Readonly<Record<string, string>> };

export function targetProblems({ toNode, toNodes, where }: Readonly<Record<string, unknown>>): string[] {
	const count = [toNode, toNodes, where].filter((target) => target !== undefined).length;
	return count === 1 ? [] : [`toNode: expected exactly one of toNode, toNodes, where, got ${count}`];
}

/** Of fields that were checked; a name that was said twice is meant once. */
export function targetOf({
	toNode,
	toNodes,
	where,
}: {
	readonly toNode?: string | undefined;
	readonly toNodes?: readonly string[] | undefined;
	readonly where?: Readonly<Record<string, string>> | undefined;
}): Target {
	return where ? { where } : { nodes: [...new Set(toNodes ?? (toNode ? [toNode] : []))] };
}

/** The nodes that are meant, `known` by what they say of themselves. */
export function nodesOf(
	target: Target,
	known: ReadonlyMap<string, { readonly state: Pick<NodeState, 'labels'> }>,
): readonly string[] {
	if ('nodes' in target) return target.nodes;
	return [...known]
		.filter(([, { state }]) => matchesLabels(target.where, state.labels))
		.map(([node]) => node);
}
