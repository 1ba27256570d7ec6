import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AccessRule, defaultAccess, parseAccessList } from '../../src/domain/access.ts';
import {
	AccessRules,
	type Asked,
	askerOf,
	denialText,
	eventAskerOf,
	methodInRules,
} from '../../src/domain/access-decision.ts';

const asked = (over: Partial<Asked> = {}): Asked => ({
	...{ name: 'alice', role: 'operator', method: 'shellCommand', node: 'ship1', labels: { area: 'north' } },
	data: ['uptime'],
	...over,
});
const fits = (rule: AccessRule, over: Partial<Asked> = {}) =>
	new AccessRules({ rules: [rule] }).decide(asked(over)).rule === 1;

const ship2 = { name: 'ship2', role: 'node' } as const;

test.each<[AccessRule, Partial<Asked>, boolean]>([
	[{ allow: '*' }, {}, true],
	[{ allow: 'ping' }, {}, false],
	[{ allow: ['ping', 'shell*'] }, {}, true],
	[{ allow: 'ping' }, { method: 'control/ping' }, false],
	[{ allow: 'control/*' }, { method: 'control/pause' }, true],
	[{ allow: '*', issuer: 'al*' }, {}, true],
	[{ allow: '*', issuer: 'bob' }, {}, false],
	[{ allow: '*', role: ['viewer', 'operator'] }, {}, true],
	[{ allow: '*', role: 'node' }, {}, false],
	[{ allow: '*', sender: '*' }, ship2, true],
	[{ allow: '*', sender: 'ship3' }, ship2, false],
	// Whoever is called as a node is called is none.
	[{ allow: '*', sender: 'alice' }, {}, false],
	[{ allow: '*', role: 'operator' }, { name: '_raw', role: null }, false],
	[{ allow: '*', nodes: 'ship*' }, {}, true],
	[{ allow: '*', nodes: 'tug*' }, {}, false],
	[{ allow: '*', where: { area: 'north' } }, {}, true],
	[{ allow: '*', where: { area: 'south' } }, {}, false],
	[{ allow: '*', nodes: 'tug*', where: { area: 'north' } }, {}, false],
	[{ allow: '*', args: ['uptime'] }, {}, true],
	[{ allow: '*', args: ['uptime'] }, { data: ['uptime', '-p'] }, false],
	[{ allow: '*', args: ['uptime', '**'] }, { data: ['uptime', '-p', '-s'] }, true],
	[{ allow: '*', args: ['uptime', '**'] }, { data: ['uptime'] }, true],
	[{ allow: '*', args: ['systemctl', 'status', '*'] }, { data: ['systemctl', 'status'] }, false],
	[{ allow: '*', args: [] }, { data: [] }, true],
	[{ allow: '*', args: ['**'] }, { data: { tank: 1 } }, false],
	[{ allow: '*', args: ['ls'] }, { data: { command: ['ls'], grace: '1s' } }, true],
	// What an allowing rule does not name, it does not allow.
	[{ allow: '*', args: ['ls'] }, { data: { command: ['ls'], env: { LD_PRELOAD: '/tmp/x' } } }, false],
	[{ allow: '*', args: ['ls'] }, { data: { command: ['ls'], stdin: '' } }, false],
	[{ allow: '*', args: ['ls'], data: { '/cwd': '/srv*' } }, { data: { command: ['ls'], cwd: '/srv' } }, true],
	[
		{ allow: '*', args: ['ls'], data: { '/env/LANG': '*' } },
		{ data: { command: ['ls'], env: { LANG: 'C', PATH: '/tmp' } } },
		false,
	],
	[{ deny: '*', args: ['ls'] }, { data: { command: ['ls'], env: { LD_PRELOAD: '/tmp/x' } } }, true],
	[{ allow: '*', data: { '/tank': '1' } }, { data: { tank: 1 } }, true],
	[{ allow: '*', data: { '/tank': ['1', '2'] } }, { data: { tank: 3 } }, false],
	[{ allow: '*', data: { '/a~1b/0': 'x' } }, { data: { 'a/b': ['x'] } }, true],
	[{ allow: '*', data: { '/tank': '*' } }, { data: { tank: {} } }, false],
	[{ allow: '*', data: { '/constructor/name': '*' } }, { data: {} }, false],
])('%j fits %j: %s', (rule, over, expected) => {
	expect(fits(rule, over)).toBe(expected);
});

const rule = fc.record(
	{
		methods: fc.constantFrom('*', 'ping', 'shellCommand'),
		issuer: fc.constantFrom('*', 'alice', 'bob'),
		nodes: fc.constantFrom('*', 'ship1', 'ship2'),
	},
	{ requiredKeys: ['methods'] },
);
const effects = fc
	.tuple(rule, fc.boolean())
	.map(
		([{ methods, ...rest }, allows]): AccessRule =>
			allows ? { allow: methods, ...rest } : { deny: methods, ...rest },
	);

test('the first rule that fits decides, whatever stands behind it, and rules that do not fit change nothing', () => {
	fc.assert(
		fc.property(fc.array(effects, { maxLength: 8 }), fc.constantFrom('alice', 'bob'), (rules, name) => {
			const one = asked({ name });
			const all = new AccessRules({ rules });
			const { allowed, rule: at } = all.decide(one);
			const first = rules.findIndex((each) => fits(each, { name }));
			expect(at).toBe(first < 0 ? undefined : first + 1);
			expect(allowed).toBe(rules[first]?.allow !== undefined);
			const upTo = rules.slice(0, first + 1);
			const relevant = rules.filter((each) => fits(each, { name }));
			for (const fewer of [upTo, relevant]) {
				expect(new AccessRules({ rules: fewer }).decide(one).allowed).toBe(allowed);
			}
			const steps = all.explain(one);
			expect(steps).toHaveLength(at ?? rules.length);
			expect(steps.filter(({ mismatch }) => mismatch === undefined).map((step) => step.rule)).toEqual(
				at ? [at] : [],
			);
		}),
	);
});

test('who asks is who is proved: a key speaks for itself, and what the centre passes on is its sender’s', () => {
	const by = (role: 'operator' | 'node' | 'centre', over: Partial<Parameters<typeof askerOf>[1]> = {}) =>
		askerOf({ name: `the ${role}`, role }, { sender: 'ship2', lane: 'normal', ...over });
	expect(by('operator', { sender: 'central' })).toEqual({ name: 'the operator', role: 'operator' });
	expect(by('node', { sender: 'central', lane: 'control' })).toEqual({ name: 'the node', role: 'node' });
	expect(by('centre')).toEqual({ name: 'ship2', role: 'node' });
	expect(by('centre', { sender: '_raw' })).toEqual({ name: '_raw', role: null });
	expect(by('centre', { sender: '_operator' })).toEqual({ name: '_operator', role: null });
	const schedule = { name: 'nightly', tick: 0, version: 1 };
	expect(by('centre', { sender: 'central', schedule })).toEqual({ name: 'the centre', role: 'centre' });
	expect(by('centre', { sender: 'central', lane: 'control' })).toEqual({
		name: 'the centre',
		role: 'centre',
	});
	// The node of the centre's machine is a node.
	expect(by('centre', { sender: 'central' })).toEqual({ name: 'central', role: 'node' });
	expect(by('centre', { schedule })).toEqual({ name: 'ship2', role: 'node' });
	expect(askerOf(undefined, { sender: 'central', lane: 'normal', schedule })).toEqual({
		name: 'central',
		role: 'centre',
	});
	expect(eventAskerOf('_operator')).toEqual({ name: '_operator', role: 'operator' });
	expect(eventAskerOf('ship2')).toEqual(ship2);
	expect(eventAskerOf('_raw')).toEqual({ name: '_raw', role: null });
});

test('without a list operators and the centre may do all, nodes tell the centre of events, and nothing else goes', () => {
	const rules = new AccessRules(defaultAccess);
	const may = (over: Partial<Asked>) => rules.decide(asked(over)).allowed;
	expect(may({})).toBe(true);
	expect(may({ name: 'central', role: 'centre', method: 'control/pause' })).toBe(true);
	expect(may({ name: 'eve', role: 'viewer' })).toBe(false);
	expect(may(ship2)).toBe(false);
	expect(may({ ...ship2, method: 'event/textLogging' })).toBe(false);
	expect(may({ ...ship2, method: 'event/textLogging', node: 'central' })).toBe(true);
	expect(may({ name: '_raw', role: null })).toBe(false);
});

test('an explanation says of each rule what does not fit, and a denial which rule it was', () => {
	const list = parseAccessList({
		rules: [
			{ allow: 'shellCommand', args: ['uptime'], note: 'looking is free' },
			{ deny: '*', nodes: 'ship*', note: 'ships are at sea' },
			{ allow: '*' },
		],
	});
	const rules = new AccessRules(list);
	const one = asked({ data: ['bash', '-c', 'id'] });
	expect(rules.explain(one)).toEqual([
		{ rule: 1, note: 'looking is free', mismatch: '3 arguments are not 1' },
		{ rule: 2, note: 'ships are at sea', mismatch: undefined },
	]);
	expect(denialText(one, rules.decide(one))).toBe(
		'alice (operator) may not call shellCommand on ship1: rule 2 denies it: ships are at sea (steward access explain tells more)',
	);
	const none = new AccessRules({ rules: [] });
	expect(denialText(one, none.decide(one))).toContain('no rule of the access list allows it');
});

test('methods of the control lane and events have names of their own', () => {
	expect(methodInRules({ method: 'pause', lane: 'control' })).toBe('control/pause');
	expect(methodInRules({ method: 'textLogging', lane: 'events' })).toBe('event/textLogging');
	expect(methodInRules({ method: 'ping', lane: 'urgent' })).toBe('ping');
});

test('a form with mistakes is refused with all of them', () => {
	const problems = (form: unknown): unknown => {
		try {
			parseAccessList(form);
		} catch (error) {
			return (error as { details: { problems: unknown } }).details.problems;
		}
		return [];
	};
	expect(
		problems({
			rules: [
				{ allow: '*', deny: '*' },
				{ note: 'nothing' },
				{ allow: '*', issuers: 'alice' },
				{ allow: 'a\\' },
				{ allow: '*', args: ['**', 'x'] },
				{ allow: '*', role: 'admin' },
				{ allow: '*', data: { level: 'x' } },
				{ allow: '*', where: {} },
			],
		}),
	).toEqual([
		expect.stringContaining('rules.0: expected either allow or deny, got both'),
		expect.stringContaining('rules.1: expected either allow or deny, got neither'),
		'rules.2.issuers: unknown field; did you mean "issuer"?',
		expect.stringContaining('rules.3.allow: a backslash'),
		expect.stringContaining('rules.4.args: expected "**" as the last one only'),
		expect.stringContaining('rules.5.role'),
		expect.stringContaining('rules.6.data.level: '),
		expect.stringContaining('rules.7.where: expected at least one label'),
	]);
	expect(problems({ rules: [{ allow: ['*'] }] })).toEqual([]);
	expect(problems([])).toHaveLength(1);
});
