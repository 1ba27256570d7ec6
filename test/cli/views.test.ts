import { describe, expect, test } from 'vitest';
import { commandTable, endedLine, printCommand } from '../../src/cli/render/command.ts';
import { nodeTable, printNode } from '../../src/cli/render/node.ts';
import { receiptLine } from '../../src/cli/render/receipt.ts';
import { ago, took } from '../../src/cli/render/time.ts';
import {
	type CommandView,
	type NodeView,
	nodeView,
	type Presence,
	queuedView,
	type Receipt,
} from '../../src/domain/view.ts';
import { keptScreen } from '../support/screen.ts';

const nowMs = Date.UTC(2026, 10, 22, 10, 3);
const queuedAt = Date.UTC(2026, 10, 22, 10);
const queued = queuedView({
	...{ node: 'ship1', id: 'a', method: 'shellCommand', lane: 'normal', sender: '_operator' },
	...{ queuedAt, deadlineAt: queuedAt + 7 * 86_400_000 },
});
const failed: CommandView = {
	...queued,
	state: 'failed',
	startedAt: '2026-11-22T10:00:01.000Z',
	endedAt: '2026-11-22T10:00:02.200Z',
	attempt: 1,
	attempts: [
		{
			...{ attempt: 1, startedAt: '2026-11-22T10:00:01.000Z', endedAt: '2026-11-22T10:00:02.200Z' },
			...{ outcome: 'failed', exitCode: 2, signal: null, fault: null },
		},
	],
	fault: { code: 'failed', message: 'no\u001b[2J such\nfile' },
	result: {
		...{ exitCode: 2, signal: null, stderr: null },
		stdout: { head: 'out', tail: '', bytes: 3, sha256: 'abc', encoding: 'utf8', cut: 0 },
	},
};

function receipt(change: Partial<Receipt>, presence: Partial<Presence> = {}): Receipt {
	return {
		...queued,
		...{ duplicate: false, position: 3, seq: 7, via: 'broker' },
		presence: { status: 'present', since: null, ...presence },
		...change,
	};
}

describe('a receipt', () => {
	const line = (change: Partial<Receipt>, presence?: Partial<Presence>) =>
		receiptLine(receipt(change, presence), keptScreen(), nowMs, 'Europe/Oslo');

	test('says where the command stands, and until when it may start', () => {
		expect(line({}, { status: 'never' })).toBe(
			'queued  ship1.a  (ship1 was never seen; it runs when the node connects)  position 3, start before 2026-11-29T10:00:00.000Z',
		);
	});

	test('says absent with its time, and unknown where no centre watches', () => {
		expect(line({}, { status: 'absent', since: '2026-11-22T10:00:00.000Z' })).toContain(
			'ship1 is absent since 2026-11-22T10:00:00.000Z (3m ago); it runs when the node connects',
		);
		expect(line({}, { status: 'unknown' })).toContain('unknown: no centre watches');
		expect(line({ position: null, deadline: null })).toBe('queued  ship1.a  (ship1 is present)');
	});

	test('says that a duplicate added nothing, and in which state the first is', () => {
		expect(line({ duplicate: true, state: 'running' })).toMatch(/^running {2}ship1\.a .*nothing was added$/);
	});

	test('says that the local node has it', () => {
		const text = line({ state: 'accepted', via: 'outbox', position: null, deadline: null });
		expect(text).toMatch(/^accepted {2}ship1\.a {2}\(on the disk of the local node/);
	});
});

test('a receipt of what waits for its time says when that is, as its reader reckons', () => {
	const notBefore = '2026-12-24T07:00:00.000Z';
	const line = (change: Partial<Receipt>, timeZone: string) =>
		receiptLine(
			receipt({ notBefore, position: null, deadline: null, ...change }),
			keptScreen(),
			nowMs,
			timeZone,
		);
	expect(line({ state: 'scheduled' }, 'Europe/Oslo')).toBe(
		'scheduled  ship1.a  for 2026-12-24T08:00+01:00 (in 31d 20h)  (ship1 is present)',
	);
	expect(line({ state: 'scheduled', duplicate: true }, 'America/New_York')).toMatch(
		/for 2026-12-24T02:00-05:00 .*nothing was added$/,
	);
	expect(line({ state: 'scheduled', notBefore: '2026-12-24T07:00:30.000Z' }, 'UTC')).toContain(
		'for 2026-12-24T07:00:30+00:00 ',
	);
	expect(line({ state: 'accepted', via: 'outbox' }, 'UTC')).toContain('for 2026-12-24T07:00+00:00');
	expect(line({ state: 'queued' }, 'UTC')).not.toContain(' for ');
});

describe('a command', () => {
	test('in full: state, times, attempts, fault, output; nothing of it steers the terminal', () => {
		const screen = keptScreen({ columns: 200 });
		printCommand(screen, failed, nowMs);
		expect(screen.text).toBe(
			[
				'ship1.a  failed',
				'  method    shellCommand (command) on lane normal, from _operator',
				'  queued    2026-11-22T10:00:00.000Z (3m ago)',
				'  started   2026-11-22T10:00:01.000Z (2m ago)',
				'  attempt 1 failed exit 2 in 1s',
				'  ended     2026-11-22T10:00:02.200Z (2m ago)',
				'  fault     failed: no\\u001b[2J such\\nfile',
				'  stdout    3 bytes',
				'out',
				'',
			].join('\n'),
		);
	});

	test('whether its node signed for it is told where somebody has checked', () => {
		const told = (signature: CommandView['signature']) => {
			const screen = keptScreen({ columns: 200 });
			printCommand(screen, { ...failed, signature }, nowMs);
			return /^ {2}signed .*$/m.exec(screen.text)?.[0];
		};
		expect(told(null)).toBeUndefined();
		expect(told('held')).toContain('and that holds');
		expect(told('broken')).toContain('does not hold');
		expect(told('none')).toContain('did not sign');
		const table = commandTable([{ ...failed, signature: 'broken' }], keptScreen({ columns: 300 }), nowMs);
		expect(table).toContain('does not hold');
	});

	test.each(['interrupted', 'lost'] as const)('%s says that the outcome is unknown', (state) => {
		expect(endedLine({ ...failed, state, fault: null }, keptScreen())).toContain('outcome unknown');
	});

	test('that waits for its time says when it is due, and names no deadline', () => {
		const notBefore = '2026-11-22T12:03:00.000Z';
		const view = queuedView({
			...{ node: 'ship1', id: 'a', method: 'm', lane: 'normal', sender: '_operator' },
			...{ queuedAt: null, scheduledAt: queuedAt, notBefore: Date.parse(notBefore), deadlineAt: null },
		});
		const screen = keptScreen({ columns: 200 });
		printCommand(screen, view, nowMs);
		expect(screen.text).toContain('  due       2026-11-22T12:03:00.000Z (in 2h)\n');
		expect(screen.text).not.toMatch(/deadline|queued/);
		expect(commandTable([view], screen, nowMs)).toMatch(/scheduled {2}ship1\.a .* - .* due in 2h$/);
	});

	test('that ended is one line', () => {
		expect(endedLine({ ...failed, state: 'succeeded', fault: null, attempts: [] }, keptScreen())).toBe(
			'succeeded  ship1.a  exit 2 in 1s',
		);
	});

	test('many are a table that fits', () => {
		const screen = keptScreen({ columns: 70 });
		const lines = commandTable([queued, failed], screen, nowMs).split('\n');
		for (const line of lines) expect([...line].length).toBeLessThanOrEqual(70);
		expect(lines).toHaveLength(3);
	});
});

describe('a node', () => {
	const unseen = nodeView('ship1', undefined, { status: 'never', since: null }, 2);
	const seen: NodeView = {
		...unseen,
		...{
			presence: 'present',
			lastSeenAt: '2026-11-22T10:00:00.000Z',
			labels: { role: 'tug\u001b', port: 'x' },
		},
		conflict: { machines: ['a', 'b'], noticedAt: '2026-11-22T10:00:00.000Z' },
	};

	test('many are a table', () => {
		expect(nodeTable([unseen, seen], keptScreen(), nowMs).split('\n')).toEqual([
			'NODE   PRESENCE  SEEN  QUEUED  RUNNING  OUTBOX  VERSION  LABELS',
			'ship1  never     -          2        0       -  -',
			'ship1  present   now        2        0       -  -        role=tug\\u001b,port=x',
		]);
	});

	test('in full says what is wrong with it', () => {
		const screen = keptScreen();
		printNode(screen, seen, nowMs);
		expect(screen.text).toContain('2 machines use this name (noticed 2026-11-22T10:00:00.000Z (3m ago))');
	});
});

test('times read as how long ago, and how long it took', () => {
	expect(ago('2026-11-22T10:03:00.000Z', nowMs)).toBe('just now');
	expect(ago('2026-11-29T10:03:00.000Z', nowMs)).toBe('in 7d');
	expect(took('2026-11-22T10:00:00.000Z', '2026-11-22T10:00:00.850Z')).toBe('850ms');
	expect(took(null, '2026-11-22T10:00:00.850Z')).toBe('');
});
