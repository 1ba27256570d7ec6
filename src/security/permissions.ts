/**
 * Owns who may do what at the broker: for each role its account, and the subjects that it may publish and subscribe to; for the
 * accounts without JetStream the services of HUB that they reach.
 * Promises that a node reaches what is its own and nothing else, that a viewer reaches nothing that changes anything, and that
 * names stand in templates only where the server fills them in with the user's own.
 * Pure. Why viewers are not in HUB either: a client there can turn a permitted request on any other subject, by its reply.
 */

import { importedApi, inboxPrefixOf, streams, subjects } from '../domain/subject.ts';
import type { Role } from '../domain/trust.ts';

/** `system`: who brings new accounts to the server. */
export type FleetRole = Role | 'system';
export type AccountName = 'SYS' | 'HUB' | 'SHIPS' | 'VIEWERS';

export const accountOf: Readonly<Record<FleetRole, AccountName>> = {
	system: 'SYS',
	centre: 'HUB',
	operator: 'HUB',
	node: 'SHIPS',
	viewer: 'VIEWERS',
};

export const fleetRoles = Object.keys(accountOf) as readonly FleetRole[];

/** How a user's JWT says its role, to the program that holds it. */
export function roleTag(role: FleetRole): string {
	return `role:${role}`;
}

type SubjectPermissions = {
	readonly publish: readonly string[];
	readonly subscribe: readonly string[];
};

/** The server puts the name of the user's JWT here, also inside a token. */
const own = '{{name()}}';
const ownInbox = `${inboxPrefixOf(own)}.>`;

/** `$JS.ACK.<stream>.<consumer>.<five numbers>`: token by token, because a longer form begins with two tokens of its own. */
const acksOf = (stream: string, lane: string) => [
	`$JS.ACK.${stream}.${own}-${lane}.*.*.*.*.*`,
	`$JS.ACK._.*.${stream}.${own}-${lane}.*.*.*.*.*`,
	`$JS.ACK._.*.${stream}.${own}-${lane}.*.*.*.*.*.*`,
];
const pullOf = (stream: string, lane: string) => `${importedApi}.CONSUMER.MSG.NEXT.${stream}.${own}-${lane}`;

/** Which shard a node is in is not known when its credentials are made; its consumers are in one. */
const lanesOfCommands = ['control', 'urgent', 'normal', 'bulk'];
const directGet = (api: string, stream: string, subject: string) => `${api}.DIRECT.GET.${stream}.${subject}`;

/** By role, what the scoped signing key gives to everyone it signs. */
export const permissions: Readonly<Record<FleetRole, SubjectPermissions>> = {
	node: {
		publish: [
			...lanesOfCommands.map((lane) => pullOf('*', lane)),
			pullOf(streams.events, 'events'),
			...lanesOfCommands.flatMap((lane) => acksOf('*', lane)),
			...acksOf(streams.events, 'events'),
			directGet(importedApi, streams.state, subjects.state(own)),
			directGet(importedApi, streams.state, subjects.fleetNote),
			directGet(importedApi, streams.claims, subjects.claim(own, '*')),
			subjects.claim(own, '*'),
			subjects.report(own, '*'),
			subjects.state(own),
			subjects.output(own, '*'),
			subjects.event('*', own, '*'),
			`steward.intake.*.${own}.*.*`,
			subjects.beat(own),
		],
		subscribe: [ownInbox, subjects.beat(own)],
	},
	viewer: {
		publish: [
			subjects.api('*'),
			...['STREAM.INFO.*', 'STREAM.LIST', 'STREAM.NAMES', 'STREAM.MSG.GET.*', 'DIRECT.GET.>'].map(
				(call) => `${importedApi}.${call}`,
			),
		],
		subscribe: [ownInbox],
	},
	operator: {
		publish: [
			'$JS.API.>',
			// What a restore sends, and what paces a backup.
			'$JS.SNAPSHOT.>',
			subjects.api('*'),
			'steward.command.>',
			subjects.event('*', '_operator', '*'),
			subjects.claim('*', '*'),
			subjects.deadWhere({}),
			...['schedules', 'trust', 'nodes', 'presence'].map((bucket) => `$KV.steward-${bucket}.>`),
			// The public names; the account maps them to the intake.
			'*.command.*',
			'*.event.*',
		],
		subscribe: [ownInbox, subjects.toldReport('*', '*')],
	},
	centre: {
		// Answers go to whoever asked.
		publish: ['$JS.API.>', '$JS.ACK.>', '$JS.SNAPSHOT.>', 'steward.>', '$KV.>', '_INBOX.>'],
		subscribe: [ownInbox, subjects.beats, subjects.api('*'), subjects.toldReport('*', '*')],
	},
	system: {
		publish: ['$SYS.REQ.CLAIMS.>', '$SYS.REQ.SERVER.PING', '$SYS.REQ.SERVER.PING.*'],
		subscribe: [ownInbox],
	},
};

/** One subject of HUB that another account reaches as a service. */
export type Service = {
	readonly hub: string;
	/** Its name there. */
	readonly local: string;
	/** Whether one request may have many answers. */
	readonly answers: 'one' | 'many';
};

const api = (call: string, answers: Service['answers']): Service => ({
	hub: `$JS.API.${call}`,
	local: `${importedApi}.${call}`,
	answers,
});
const same = (hub: string): Service => ({ hub, local: hub, answers: 'one' });

/** What the accounts without JetStream reach; a permission narrows it to its user's own. */
export const services: Readonly<Record<'SHIPS' | 'VIEWERS', readonly Service[]>> = {
	SHIPS: [
		api('CONSUMER.MSG.NEXT.*.*', 'many'),
		same('$JS.ACK.>'),
		api(`DIRECT.GET.${streams.state}.${subjects.state('*')}`, 'many'),
		api(`DIRECT.GET.${streams.claims}.${subjects.claim('*', '*')}`, 'many'),
		same(subjects.claim('*', '*')),
		same(subjects.report('*', '*')),
		same(subjects.state('*')),
		same(subjects.output('*', '*')),
		same(subjects.event('*', '*', '*')),
		same('steward.intake.*.*.*.*'),
		same(subjects.beats),
	],
	VIEWERS: [
		same(subjects.api('*')),
		api('STREAM.INFO.*', 'one'),
		api('STREAM.LIST', 'one'),
		api('STREAM.NAMES', 'one'),
		api('STREAM.MSG.GET.*', 'one'),
		api('DIRECT.GET.>', 'many'),
	],
};

/** What HUB offers: no offer lies within another, which the server does not take. */
export function offers(): readonly Service[] {
	const all = [...services.SHIPS, ...services.VIEWERS];
	return all.filter((one) => !all.some((other) => other !== one && covers(other.hub, one.hub)));
}

/** Whether all that matches `narrow` matches `wide` as well. */
export function covers(wide: string, narrow: string): boolean {
	const [outer, inner] = [wide.split('.'), narrow.split('.')];
	for (const [index, token] of outer.entries()) {
		if (token === '>') return inner.length > index;
		const against = inner[index];
		if (against === undefined || against === '>') return false;
		if (token !== '*' && token !== against) return false;
	}
	return outer.length === inner.length;
}

/** A public name of a message, and where HUB stores what is published there: nobody vouches for its sender. */
export const mappings: Readonly<Record<string, string>> = {
	'*.command.*': 'steward.intake.{{wildcard(1)}}._raw.command.{{wildcard(2)}}',
	'*.event.*': 'steward.intake.{{wildcard(1)}}._raw.event.{{wildcard(2)}}',
};
