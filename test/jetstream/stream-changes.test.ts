import type { StreamConfig } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { streamsDir } from '../../src/base/package.ts';
import { loadDefinitions, type StreamDefinition } from '../../src/jetstream/definitions.ts';
import { changesOf } from '../../src/jetstream/stream-changes.ts';

async function reports(): Promise<StreamDefinition> {
	const found = (await loadDefinitions(streamsDir, 1)).find(({ name }) => name === 'STEWARD_REPORTS');
	if (!found) throw new Error('there is no STEWARD_REPORTS');
	return found;
}

/** The field, its sign, and whether something is lost. */
async function judged(is: Record<string, unknown>, wanted: Record<string, unknown>) {
	const definition = await reports();
	const config = { ...definition, ...is } as unknown as StreamConfig;
	const changes = changesOf(
		{ ...definition, ...wanted } as StreamDefinition,
		{ config, state: { bytes: 1000, messages: 3 } },
		true,
	);
	return changes.map(({ field, sign, destructive }) => [field, sign, destructive !== null]);
}

test.each([
	['a longer age', { max_age: 10 }, { max_age: 20 }, [['max_age', '~', false]]],
	['a shorter age', { max_age: 20 }, { max_age: 10 }, [['max_age', '~', true]]],
	['an age at all', { max_age: 0 }, { max_age: 10 }, [['max_age', '~', true]]],
	['no age any more', { max_age: 10 }, { max_age: 0 }, [['max_age', '~', false]]],
	[
		'fewer of one subject',
		{ max_msgs_per_subject: -1 },
		{ max_msgs_per_subject: 1 },
		[['max_msgs_per_subject', '~', true]],
	],
	['room above what is held', {}, { max_bytes: 1000 }, [['max_bytes', '~', false]]],
	['room below what is held', {}, { max_bytes: 999 }, [['max_bytes', '~', true]]],
	['dropping the oldest', { discard: 'new' }, { discard: 'old' }, [['discard', '~', true]]],
	['refusing the newest', { discard: 'old' }, { discard: 'new' }, [['discard', '~', false]]],
	['other storage', { storage: 'memory' }, {}, [['storage', '~', true]]],
	['other retention', { retention: 'workqueue' }, {}, [['retention', '~', true]]],
	['fewer copies', { num_replicas: 3 }, {}, [['num_replicas', '~', true]]],
	['more copies', {}, { num_replicas: 3 }, [['num_replicas', '~', false]]],
	['a subject more', {}, { subjects: ['steward.report.>', 'a'] }, [['subjects', '+', false]]],
	['a subject less', { subjects: ['steward.report.>', 'a'] }, {}, [['subjects', '-', true]]],
	['what cannot be taken back', { deny_delete: false }, { deny_delete: true }, [['deny_delete', '~', true]]],
	['words', { description: 'x' }, {}, [['description', '~', false]]],
	['a schema', { metadata: { mine: 'a' } }, {}, [['metadata.steward.schema', '+', false]]],
	[
		'what only the server says',
		{ sealed: false, compression: 'none', metadata: { 'steward.schema': '1', '_nats.ver': '2' } },
		{},
		[],
	],
	['what the server leaves out', { max_age: undefined, deny_purge: undefined }, {}, []],
])('%s', async (_what, is, wanted, expected) => {
	expect(await judged(is, wanted)).toEqual(expected);
});
