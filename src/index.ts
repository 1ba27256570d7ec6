/**
 * Owns the public API: what `import … from 'steward'` gives.
 * Promises that nothing else is meant to be imported.
 */

export { type ErrorCode, isStewardError, StewardError } from './base/errors.ts';
export type { CancelOptions } from './client/cancel.ts';
export type {
	DeadFilter,
	DeadLetterOffice,
	DeadSelection,
	DiscardOptions,
	ReplayOptions,
} from './client/dead.ts';
export { connect, Fleet, type FleetOptions } from './client/fleet.ts';
export type { IdleOptions, StillRuns } from './client/idle.ts';
export type { DrainOptions, PauseOptions, ResumeOptions, StopOptions } from './client/lanes.ts';
export type { ListOptions } from './client/lists.ts';
export type { LogPiece, LogsOptions } from './client/logs.ts';
export type { GapReason } from './client/output-pieces.ts';
export type { AddScheduleOptions, ScheduleReason } from './client/schedule-changes.ts';
export type { RunNowOptions } from './client/schedule-run.ts';
export type { ScheduleBook } from './client/schedules.ts';
export type { WaitOptions } from './client/wait.ts';
export type { WatchOptions } from './client/watch.ts';
export type { DeadLetterView, DeadOutcome } from './domain/dead-letter.ts';
export type { MessageForm } from './domain/message.ts';
export type { Handle, Kind, Lane } from './domain/names.ts';
export type { OutputStream } from './domain/output.ts';
export type { OutputSummary, Result } from './domain/result.ts';
export type { NodeRow, Totals } from './domain/row-schema.ts';
export type { ScheduleForm } from './domain/schedule.ts';
export type {
	ScheduleChangeView,
	ScheduleOutcome,
	ScheduleTickView,
	ScheduleView,
} from './domain/schedule-view.ts';
export type { CommandState } from './domain/state.ts';
export type {
	AttemptView,
	Cancellation,
	CommandView,
	NodeView,
	Presence,
	Receipt,
	TransitionView,
	WhyView,
} from './domain/view.ts';
export {
	defineMethod,
	failed,
	type MethodContext,
	type MethodDefinition,
	retry,
} from './node/processes/method.ts';
