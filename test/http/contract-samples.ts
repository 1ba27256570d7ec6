/**
 * Owns one request for each operation of the API: well formed, whether or not what it names is there.
 * Promises that an operation without one fails the contract test, so that a new route comes with its line here.
 * Pure.
 */

import type { Sample } from './contract-document.ts';

const handle = { handle: 'ship1.nothing' };
const node = { node: 'ship1' };
const name = { name: 'nightly' };
/** Statuses that take something broken: asked for in contract-broken.test.ts, all others in contract.test.ts. */
export const ofBroken: readonly number[] = [500, 504];
export const message = { toNode: 'ship1', method: 'ping', commandOrEvent: 'command' };
export const schedule = { name: 'nightly', cron: '0 3 * * *', toNode: 'ship1', message: { method: 'ping' } };

export const samples: Readonly<Record<string, Sample>> = {
	getSession: {},
	signIn: { body: { token: 'stw_none' } },
	signOut: {},
	listCommands: { query: { state: 'queued,running', limit: '10' } },
	send: { body: message },
	getCommand: { params: handle },
	whyCommand: { params: handle },
	historyOfCommand: { params: handle },
	messageOfCommand: { params: handle },
	outputOfCommand: { params: handle },
	cancelCommand: { params: handle, body: { reason: 'a test' } },
	retryCommand: { params: handle, body: {} },
	cancelCommands: { body: { filter: { node: 'ship1' } } },
	retryCommands: { body: { filter: { node: 'ship1' } } },
	listNodes: { query: { where: 'role=tug', presence: 'present,absent' } },
	listNodeRows: {},
	getNode: { params: node },
	queueOfNode: { params: node },
	pauseNode: { params: node, body: { lanes: ['normal'] } },
	resumeNode: { params: node, body: {} },
	drainNode: { params: node, body: {} },
	stopMethod: { params: node, body: { method: 'ping' } },
	decommissionNode: { params: node, body: {} },
	recommissionNode: { params: node, body: {} },
	listQueues: { query: { limit: '10' } },
	listMethods: {},
	listSchedules: {},
	getSchedule: { params: name },
	ticksOfSchedule: { params: name, query: { count: '3' } },
	historyOfSchedule: { params: name },
	formOfSchedule: { params: name },
	previewSchedule: { body: schedule },
	addSchedule: { body: schedule },
	putSchedule: { params: name, body: schedule },
	removeSchedule: { params: name, body: {} },
	pauseSchedule: { params: name, body: {} },
	resumeSchedule: { params: name, body: {} },
	runSchedule: { params: name, body: {} },
	listDead: { query: { kind: 'command' } },
	groupDead: {},
	getDead: { params: { seq: '1' } },
	replayDead: { body: { seqs: [1] } },
	discardDead: { body: { seqs: [1] } },
	listStreams: {},
	health: {},
	trustList: {},
	accessList: {},
	totals: {},
	series: { query: { window: '1h' } },
	stream: { query: { topics: 'commands' } },
};
