/**
 * Owns the public API: what `import … from 'steward'` gives.
 * Promises that nothing else is meant to be imported.
 */

export { type ErrorCode, isStewardError, StewardError } from './base/errors.ts';
export { connect, Fleet, type FleetOptions, type ListOptions } from './client/fleet.ts';
export type { WaitOptions, WatchOptions } from './client/watch.ts';
export type { MessageForm } from './domain/message.ts';
export type { Handle, Kind, Lane } from './domain/names.ts';
export type { OutputSummary, Result } from './domain/result.ts';
export type { CommandState } from './domain/state.ts';
export type { AttemptView, CommandView, NodeView, Presence, Receipt } from './domain/view.ts';
export {
	defineMethod,
	failed,
	type MethodContext,
	type MethodDefinition,
	retry,
} from './node/processes/method.ts';
