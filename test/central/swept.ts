/**
 * Owns waiting until the sweeper has emptied the working streams of a test's broker.
 * Promises to say what was left.
 * Reads only.
 */

import { expect } from 'vitest';
import { streams } from '../../src/domain/subject.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { summarizeStreams } from '../../src/jetstream/topology.ts';
import { eventually } from '../support/eventually.ts';

const working: readonly string[] = [
	streams.claims,
	streams.commands(0),
	streams.events,
	streams.intake,
	streams.reports,
];

export async function untilSwept(connection: Connection): Promise<void> {
	await eventually(async () => {
		const left = (await summarizeStreams(connection)).filter(({ name }) => working.includes(name));
		expect(left.map(({ name, messages }) => [name, messages])).toEqual(working.map((name) => [name, 0]));
		return true;
	});
}
