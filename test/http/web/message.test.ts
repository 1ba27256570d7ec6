import { describe, expect, test } from 'vitest';
import type { MethodView } from '../../../src/domain/many-view-schema.ts';
import type { NodeRow } from '../../../src/domain/row-schema.ts';
import {
	fieldOfMethod,
	messageDraft,
	messageForm,
	noMessage,
	withTab,
} from '../../../src/http/web/send/message.ts';
import { suggestNodes } from '../../../src/http/web/send/suggest.ts';
import { newId } from '../../../src/http/web/send/ulid.ts';

const methods: readonly MethodView[] = [
	{
		name: 'shellCommand',
		kind: 'command',
		data: {
			anyOf: [
				{ type: 'array', items: { type: 'string' }, minItems: 1 },
				{
					type: 'object',
					properties: { command: { type: 'array', items: { type: 'string' } } },
					required: ['command'],
					additionalProperties: false,
				},
			],
		},
		nodes: 3,
	},
	{ name: 'ping', kind: 'command', data: {}, nodes: 3 },
];
const fieldOf = (method: string) => fieldOfMethod(methods, method)?.field;

describe('a message that is written', () => {
	test.each([
		[{ method: 'shellCommand', kind: 'command', data: ['ls', '-l'] }, 'form'],
		[{ method: 'shellCommand', kind: 'command', data: { command: ['ls'] } }, 'form'],
		[{ method: 'shellCommand', kind: 'command', data: 7 }, 'json'],
		[{ method: 'ping', kind: 'command', data: { n: 1 } }, 'form'],
		[{ method: 'unheardOf', kind: 'event', data: ['x'] }, 'json'],
	])('comes back as it was, in the form where that can say it: %j', (form, tab) => {
		const draft = messageDraft(form, methods);
		expect(draft.tab).toBe(tab);
		expect(messageForm(draft, fieldOf(form.method))).toEqual({ form, problems: [] });
	});

	test('goes from form to JSON and back without a loss; what the form cannot say stays JSON', () => {
		const field = fieldOf('shellCommand');
		const draft = messageDraft({ method: 'shellCommand', kind: 'command', data: ['a b'] }, methods);
		const json = withTab(draft, 'json', field);
		expect(JSON.parse(json.json)).toEqual(['a b']);
		expect(messageForm(withTab(json, 'form', field), field).form).toEqual(messageForm(draft, field).form);
		expect(withTab({ ...json, json: '7' }, 'form', field).tab).toBe('json');
	});

	test('has no data where none is written, and says what is no JSON', () => {
		expect(messageForm({ ...noMessage, method: 'ping' }, fieldOf('ping'))).toEqual({
			form: { method: 'ping', kind: 'command' },
			problems: [],
		});
		expect(messageForm({ ...noMessage, tab: 'json', json: '{' }, undefined).problems).toHaveLength(1);
		expect(messageForm(noMessage, fieldOf('shellCommand')).problems).toHaveLength(1);
	});
});

describe('nodes that are offered', () => {
	const row = (node: string, decommissioned = false): NodeRow => ({
		...{
			node,
			presence: 'present',
			since: null,
			version: null,
			labels: {},
			queued: 0,
			oldestQueuedAt: null,
			running: 0,
		},
		...{ failing: 0, clockOffsetMs: null, outbox: null, paused: false, conflict: false, decommissioned },
	});
	const known = new Map(
		['tug-ship', 'ship10', 'ship1', 'gone'].map((name) => [name, row(name, name === 'gone')]),
	);
	const names = (text: string, taken: readonly string[] = []) =>
		suggestNodes(known, text, taken).map(({ name }) => name);

	test('begin with the exact name, then with what begins so', () => {
		expect(names('ship1')).toEqual(['ship1', 'ship10']);
		expect(names('ship')).toEqual(['ship10', 'ship1', 'tug-ship', 'ship']);
	});

	test('leave out what is chosen or gone, and end with a name that nobody has seen', () => {
		expect(names('ship1', ['ship1'])).toEqual(['ship10']);
		expect(names('gon')).toEqual(['gon']);
		const [unseen] = suggestNodes(known, 'new-ship', []);
		expect(unseen).toMatchObject({ row: undefined, problem: undefined });
		expect(suggestNodes(known, 'no good', []).at(-1)?.problem).toContain('letters, digits');
	});
});

test('an id is a ULID of its moment', () => {
	expect(newId(1469918176385)).toMatch(/^01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}$/);
	expect(newId(0)).not.toBe(newId(0));
});
