/**
 * Owns the columns of lists of commands, and the few words on what became of each.
 * Promises the first that is known of: a fault, the run, the next attempt, how long it took. Keeps nothing.
 */

import type { CommandRow } from '../../../domain/row-schema.ts';
import { Link } from '../route.tsx';
import { StateBadge } from '../ui/badge.tsx';
import type { Column } from '../ui/columns.ts';
import { Elapsed, Time } from '../ui/time.tsx';
import { longDuration } from '../words.ts';
import { commandPath } from './act.tsx';

const state: Column<CommandRow> = {
	id: 'state',
	title: 'State',
	width: '128px',
	cell: (row) => <StateBadge state={row.state} />,
};

const queued: Column<CommandRow> = {
	id: 'queued',
	title: 'Queued',
	width: '92px',
	align: 'end',
	cell: (row) => <Began row={row} />,
};

const columns: readonly Column<CommandRow>[] = [
	state,
	{
		id: 'node',
		title: 'Node',
		width: '19%',
		whole: ({ handle }) => handle,
		cell: (row) => <Link to={commandPath(row.handle)}>{row.node}</Link>,
	},
	{
		id: 'method',
		title: 'Method',
		width: '15%',
		whole: ({ method }) => method,
		cell: ({ method, kind }) => (kind === 'event' ? `${method} (event)` : method),
	},
	{
		id: 'note',
		title: 'What became of it',
		whole: ({ state, fault }) => fault?.message ?? state,
		cell: (row) => <span class="muted">{noteOf(row)}</span>,
	},
	{ id: 'lane', title: 'Lane', width: '76px', cell: ({ lane }) => <span class="muted">{lane}</span> },
	{ id: 'id', title: 'Id', width: '150px', cell: ({ id }) => <span class="mono faint">{shortId(id)}</span> },
	queued,
];

const narrowColumns: readonly Column<CommandRow>[] = [
	{
		id: 'node',
		title: 'Command',
		whole: ({ handle }) => handle,
		cell: (row) => (
			<span class="cell-two">
				<Link to={commandPath(row.handle)}>{row.node}</Link>
				<span class="faint" title={`${row.method} ${row.fault?.message ?? row.state}`}>
					{row.method} {noteOf(row)}
				</span>
			</span>
		),
	},
	{
		...state,
		width: '128px',
		cell: (row) => (
			<span class="cell-two">
				<StateBadge state={row.state} />
				<Began row={row} />
			</span>
		),
	},
];

export function columnsOf(narrow: boolean): readonly Column<CommandRow>[] {
	return narrow ? narrowColumns : columns;
}

/** ULIDs of one moment begin alike: the end tells them apart. */
function shortId(id: string): string {
	return id.length > 16 ? `…${id.slice(-14)}` : id;
}

function Began({ row }: { row: CommandRow }) {
	const at = row.queuedAt ?? row.notBefore ?? row.startedAt;
	return at === null ? <span class="faint">–</span> : <Time at={at} class="muted" />;
}

function noteOf(row: CommandRow) {
	const { state, startedAt, endedAt, fault, deadline, notBefore, nextAttemptAt, attempt, schedule } = row;
	if (fault) return fault.message;
	if (state === 'running' && startedAt !== null) {
		return (
			<>
				runs for <Elapsed since={startedAt} />
				{attempt > 1 && `, attempt ${attempt}`}
			</>
		);
	}
	if (nextAttemptAt !== null) {
		return (
			<>
				attempt {attempt + 1} <Time at={nextAttemptAt} />
			</>
		);
	}
	if (endedAt !== null && startedAt !== null)
		return `took ${longDuration(Date.parse(endedAt) - Date.parse(startedAt))}`;
	if (state === 'scheduled' && notBefore !== null) {
		return (
			<>
				due <Time at={notBefore} />
			</>
		);
	}
	if (state === 'queued' && deadline !== null) {
		return (
			<>
				waits, expires <Time at={deadline} />
			</>
		);
	}
	return schedule ? `of ${schedule.name}` : '';
}
