import { describe, expect, test } from 'vitest';
import { fillIn, isTemplate, templateProblems } from '../../src/domain/template.ts';

const values = { node: 'ship1', tick: '2026-03-01T00:00:00.000Z', schedule: 'nightly' };

describe('the words of a template', () => {
	test.each([
		['{{node}}', 'ship1'],
		['{{ tick }}', '2026-03-01T00:00:00.000Z'],
		['{{schedule}}/{{node}}/{{node}}', 'nightly/ship1/ship1'],
		['{{{node}}}', '{ship1}'],
		// Other programs have braces of their own.
		['{{.State}}', '{{.State}}'],
		['{{json .Names}}', '{{json .Names}}'],
		['{{range .Items}}{{end}}', '{{range .Items}}{{end}}'],
		['$node {node} {{}} {{ }} {{node', '$node {node} {{}} {{ }} {{node'],
		['{{Node}}', '{{Node}}'],
		['{{constructor}} {{toString}} {{__proto__}}', '{{constructor}} {{toString}} {{__proto__}}'],
	])('%s', (text, expected) => {
		expect(fillIn(text, values)).toBe(expected);
		expect(isTemplate(text)).toBe(text !== expected);
	});

	test('are filled in wherever there is text, and nowhere else', () => {
		const data = {
			command: ['tar', '{{node}}.tar'],
			deep: [[{ name: 'x-{{schedule}}' }]],
			n: 1,
			no: null,
			yes: true,
		};
		expect(fillIn(data, values)).toEqual({
			...{ command: ['tar', 'ship1.tar'], deep: [[{ name: 'x-nightly' }]], n: 1, no: null, yes: true },
		});
		expect(fillIn({ '{{node}}': 1 }, values)).toEqual({ '{{node}}': 1 });
		expect(isTemplate(data)).toBe(true);
		expect(isTemplate({ '{{node}}': ['node', 1, null] })).toBe(false);
	});

	test('leave what they were given as it was', () => {
		const data = { text: '{{node}}', own: JSON.parse('{"__proto__":{"a":"{{node}}"}}') };
		const before = JSON.stringify(data);
		expect(JSON.stringify(fillIn(data, values))).toBe(before.replaceAll('{{node}}', 'ship1'));
		expect(JSON.stringify(data)).toBe(before);
	});

	test('a value that looks like a word is not filled in again', () => {
		expect(fillIn('{{node}}', { ...values, node: '{{tick}} $& $1' })).toBe('{{tick}} $& $1');
	});
});

describe('slips', () => {
	test.each([
		['{{nod}}', ['{{nod}}: there is no such word; did you mean "{{node}}"?']],
		[
			'{{Node}} {{ticks}}',
			[
				'{{Node}}: there is no such word; did you mean "{{node}}"?',
				'{{ticks}}: there is no such word; did you mean "{{tick}}"?',
			],
		],
		['{{schedul}} {{schedul}}', ['{{schedul}}: there is no such word; did you mean "{{schedule}}"?']],
		[
			'{{ndoe}} {{tik}}',
			[
				'{{ndoe}}: there is no such word; did you mean "{{node}}"?',
				'{{tik}}: there is no such word; did you mean "{{tick}}"?',
			],
		],
		// Words of other programs.
		['{{.State}} {{end}} {{.Node}} {{json .}} {node}', []],
		['{{name}} {{ code }} {{note}} {{time}} {{title}} {{id}} {{n}} {{else}} {{date}} {{no}}', []],
		[`{{${'nodes'.repeat(50)}}}`, []],
		['{{node}} {{tick}} {{schedule}}', []],
	])('%s', (text, expected) => {
		expect(templateProblems({ list: [{ text }] })).toEqual(expected);
	});
});

describe('data of any shape', () => {
	test('nested as deep as may be', () => {
		let data: unknown = '{{node}} {{nod}}';
		for (let depth = 0; depth < 498; depth++) data = depth % 2 === 0 ? [data] : { data };
		expect(templateProblems(data)).toHaveLength(1);
		expect(JSON.stringify(fillIn(data, values))).toContain('ship1 {{nod}}');
	});

	test('deeper than may be, and in a circle', () => {
		let deep: unknown = '{{nod}}';
		for (let depth = 0; depth < 100_000; depth++) deep = [deep];
		expect(templateProblems(deep)).toEqual([]);
		const circle: Record<string, unknown> = { text: '{{nod}}' };
		circle.circle = circle;
		expect(templateProblems(circle)).toEqual([]);
	});

	test('wide', () => {
		const wide = Array.from({ length: 300_000 }, () => 'x');
		expect(templateProblems([...wide, '{{nod}}'])).toHaveLength(1);
		expect(fillIn([...wide, '{{node}}'], values)).toEqual([...wide, 'ship1']);
	});
});
