/**
 * Owns how access lists, and what they decide, are shown to people.
 * Promises a rule on one line, its number first, and that patterns and notes of others are neutralised.
 * Pure but for the writing.
 */

import { oneLine } from '../../base/text.ts';
import type { AccessRule } from '../../domain/access.ts';
import type { Asked } from '../../domain/access-decision.ts';
import { readBody } from '../../domain/document.ts';
import type { AccessAnswer, DocumentView } from '../../domain/document-view.ts';
import type { Screen } from './screen.ts';
import { headline } from './trust.ts';

export function printAccess(screen: Screen, view: DocumentView, nowMs: number): void {
	screen.line(headline(screen, view, nowMs));
	const read = readBody('access', view.body);
	if (!('value' in read)) return;
	for (const [index, rule] of read.value.rules.entries()) {
		const effect = rule.allow === undefined ? screen.paint('red', 'deny ') : screen.paint('green', 'allow');
		screen.line(`${String(index + 1).padStart(4)}  ${effect} ${oneLine(ruleText(rule))}`);
	}
	screen.line(`      ${screen.paint('dim', 'what no rule allows is denied')}`);
}

function ruleText(rule: AccessRule): string {
	const { allow, deny, issuer, role, sender, nodes, where, args, data, note } = rule;
	const said = [
		listed(allow ?? deny ?? []),
		args && `with arguments ${args.map((pattern) => JSON.stringify(pattern)).join(' ')}`,
		data &&
			`with data ${Object.entries(data)
				.map(([pointer, patterns]) => `${pointer}=${listed(patterns)}`)
				.join(' and ')}`,
		issuer && `by ${listed(issuer)}`,
		role && `as ${listed(role)}`,
		sender && `by node ${listed(sender)}`,
		nodes && `on ${listed(nodes)}`,
		where &&
			`where ${Object.entries(where)
				.map(([key, value]) => `${key}=${value}`)
				.join(',')}`,
	];
	const text = said.filter(Boolean).join(' ');
	return note === undefined ? text : `${text}  (${note})`;
}

function listed(patterns: string | readonly string[]): string {
	return [patterns].flat().join(' or ');
}

export function printAnswer(screen: Screen, asked: Asked, answer: AccessAnswer): void {
	const { allowed, version, rule, note, steps } = answer;
	const who = `${asked.name} (${asked.role ?? 'no role'})`;
	const list = version === null ? 'by these rules' : `by access list ${version}`;
	const verdict = allowed ? screen.paint('green', 'allowed') : screen.paint('red', 'denied');
	screen.line(`${verdict}  ${oneLine(`${who} calls ${asked.method} on ${asked.node}`)}, ${list}`);
	for (const step of steps) {
		const why =
			step.mismatch === null
				? `decides${note === null ? '' : `: ${note}`}`
				: `does not fit: ${step.mismatch}`;
		screen.line(`  rule ${String(step.rule).padEnd(3)} ${oneLine(why)}`);
	}
	if (rule === null) screen.line('  no rule fits, and what no rule allows is denied');
}
