/**
 * Owns access lists: ordered rules on who may call which method on which nodes with which arguments, and what is true where there is none.
 * Promises that a form with a mistake is refused with all of its problems, and that no rule says something that it does not mean.
 * Pure; what rules decide is in access-decision.ts.
 */

import { z } from 'zod';
import { StewardError } from '../base/errors.ts';
import { globProblem } from './glob.ts';
import { centralNode } from './names.ts';
import { targetFields } from './target.ts';
import { roles } from './trust.ts';
import { describeProblems } from './validation.ts';

const mostRules = 500;
const mostPatterns = 64;
/** As the last of `args`: whatever else follows, also nothing. */
export const anyRest = '**';

const pattern = z.string().superRefine((text, context) => {
	const message = globProblem(text);
	if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** One, or several of which any fits. */
const oneOrMore = <Item extends z.ZodType>(item: Item) =>
	z.union([item, z.array(item).min(1).max(mostPatterns)], {
		error: (issue) => firstProblem(issue, 'expected a pattern, or several in an array'),
	});

/** The problem of the branch that was meant, where one was. */
function firstProblem(issue: z.core.$ZodRawIssue, otherwise: string): string {
	const branches = 'errors' in issue ? (issue.errors as z.core.$ZodIssue[][]) : [];
	const branch = branches[Array.isArray(issue.input) ? 1 : 0]?.[0];
	return branch?.message.replace(/^Invalid input: /, '') ?? otherwise;
}

const pointer = z
	.string()
	.regex(/^(\/([^~/]|~[01])*)+$/, { error: 'expected a JSON pointer such as /level' });

const args = z
	.array(pattern)
	.max(mostPatterns)
	.refine((patterns) => !patterns.slice(0, -1).includes(anyRest), {
		error: `expected "${anyRest}" as the last one only`,
	});

const ruleSchema = z
	.strictObject({
		/** Methods that are allowed or denied. Those of the control lane are `control/pause`, events are `event/textLogging`. */
		allow: oneOrMore(pattern).optional(),
		deny: oneOrMore(pattern).optional(),
		/** Who asks, by name. */
		issuer: oneOrMore(pattern).optional(),
		/** In which role. */
		role: oneOrMore(z.enum(roles)).optional(),
		/** A node that asks, by name. */
		sender: oneOrMore(pattern).optional(),
		/** Nodes that are asked, by name. */
		nodes: oneOrMore(pattern).optional(),
		/** Nodes that are asked, by labels. */
		where: targetFields.where,
		/** One pattern for each argument, in order. */
		args: args.optional(),
		/** Patterns for what stands in the data, by JSON pointer. */
		data: z.record(pointer, oneOrMore(pattern)).optional(),
		/** For whoever is refused, or wonders later. */
		note: z.string().max(200).optional(),
	})
	.superRefine(({ allow, deny }, context) => {
		const said = [allow, deny].filter((one) => one !== undefined).length;
		if (said === 1) return;
		context.addIssue({
			code: 'custom',
			message: `expected either allow or deny, got ${said ? 'both' : 'neither'}`,
		});
	});
export type AccessRule = Readonly<z.infer<typeof ruleSchema>>;

export const accessListSchema = z.strictObject({ rules: z.array(ruleSchema).max(mostRules) });
export type AccessList = Readonly<z.infer<typeof accessListSchema>>;

const knownFields = ['rules', ...Object.keys(ruleSchema.shape)];

/** @throws StewardError `invalid` with all problems */
export function parseAccessList(form: unknown): AccessList {
	const parsed = accessListSchema.safeParse(form);
	if (parsed.success) return parsed.data;
	const problems = describeProblems(parsed.error, form, knownFields);
	throw new StewardError(
		'invalid',
		`the access list is not valid:\n${problems.map((line) => `  ${line}`).join('\n')}`,
		{
			details: { problems },
		},
	);
}

/** What is true where there is a trust list, and no access list. */
export const defaultAccess: AccessList = {
	rules: [
		{ allow: '*', role: 'operator', note: 'operators may do everything' },
		{
			allow: '*',
			role: 'centre',
			note: 'the centre may do what is its own: ticks of schedules, the control lane',
		},
		{ allow: 'event/*', nodes: centralNode, note: 'every node may tell the centre of events' },
	],
};
