/**
 * Owns the commands about what may be done: access show, set, check, explain.
 * Promises that explain says what a node would decide, with the list in effect, the one of a file, or the rules without any.
 * A crash leaves the old list or the new one.
 */

import { StewardError } from '../../base/errors.ts';
import { counted, neutralise } from '../../base/text.ts';
import { type DocumentVersion, documentView } from '../../client/trust.ts';
import { type AccessList, defaultAccess } from '../../domain/access.ts';
import { AccessRules, type Asker } from '../../domain/access-decision.ts';
import type { AccessAnswer } from '../../domain/document-view.ts';
import { isNodeName } from '../../domain/names.ts';
import { type Role, roles } from '../../domain/trust.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { printAccess, printAnswer } from '../render/access.ts';
import { type AskFlags, nodeName, oneOf } from './ask.ts';
import { publishDocument } from './publish-document.ts';
import { parsePairs } from './send-form.ts';
import { bodyFrom, current, type PublishListFlags } from './trust.ts';

export type ShowAccessFlags = AskFlags & { readonly form?: boolean };
export type CheckFlags = { readonly file: string; readonly json?: boolean };
export type ExplainFlags = AskFlags & {
	readonly issuer: string;
	readonly role?: string;
	readonly method: string;
	readonly node: string;
	readonly labels?: string;
	readonly data?: string;
	readonly file?: string;
};

export async function showAccess(cli: Cli, flags: ShowAccessFlags): Promise<number> {
	const version = await current(cli, 'access', flags);
	const view = documentView(version);
	if (flags.form) cli.stdout.line(neutralise(JSON.stringify(version.body, null, '\t')));
	else if (flags.json) cli.stdout.line(JSON.stringify(view));
	else printAccess(cli.stdout, view, cli.clock.now());
	return exitCodes.done;
}

export async function setAccess(cli: Cli, flags: PublishListFlags): Promise<number> {
	const list = await bodyFrom(cli, 'access', flags);
	return publishDocument(cli, 'access', flags, () => list);
}

/** Needs no broker. */
export async function checkAccess(cli: Cli, flags: CheckFlags): Promise<number> {
	const { rules } = await bodyFrom(cli, 'access', { file: flags.file });
	const warning = lockedOut({ rules });
	if (flags.json)
		cli.stdout.line(JSON.stringify({ rules: rules.length, warnings: warning ? [warning] : [] }));
	else cli.stdout.line(`${flags.file}: ${counted(rules.length, 'rule')}, nothing wrong`);
	if (warning && !flags.json) cli.stderr.line(warning);
	return exitCodes.done;
}

/** A list that keeps the centre from its own work is rarely meant. */
function lockedOut(list: AccessList): string | undefined {
	const centre = {
		name: 'centre',
		role: 'centre',
		method: 'control/schedule',
		node: 'ship1',
		labels: {},
		data: {},
	} as const;
	const rules = new AccessRules(list);
	if (rules.usesLabels || rules.decide(centre).allowed) return undefined;
	return 'the centre may not use the control lane by these rules: schedules that nodes fire by themselves do not reach them (allow: "control/*", role: centre)';
}

/** @param words Arguments after "--". */
export async function explainAccess(
	cli: Cli,
	words: readonly string[],
	flags: ExplainFlags,
): Promise<number> {
	const { method, labels = '' } = flags;
	const node = nodeName(flags.node);
	const data = flags.data === undefined ? words : parseData(flags.data);
	const { list, version, asker } = await facts(cli, flags);
	const rules = new AccessRules(list);
	const asked = { ...asker, method, node, labels: labels === '' ? {} : parsePairs('--labels', labels), data };
	const { allowed, rule = null, note = null } = rules.decide(asked);
	const steps = rules
		.explain(asked)
		.map((step) => ({ rule: step.rule, note: step.note ?? null, mismatch: step.mismatch ?? null }));
	const answer: AccessAnswer = { allowed, version, asker, rule, note, steps };
	if (flags.json) cli.stdout.line(JSON.stringify(answer));
	else printAnswer(cli.stdout, asked, answer);
	return allowed ? exitCodes.done : exitCodes.notSucceeded;
}

type Facts = Pick<AccessAnswer, 'version'> & { readonly list: AccessList; readonly asker: Asker };

/** With a file and a role nothing needs to be asked. */
async function facts(cli: Cli, flags: ExplainFlags): Promise<Facts> {
	const role = flags.role === undefined ? undefined : oneOf('--role', flags.role, roles);
	const fromFile = flags.file === undefined ? undefined : await bodyFrom(cli, 'access', { file: flags.file });
	if (fromFile && role) return { list: fromFile, version: null, asker: { name: flags.issuer, role } };
	const config = await brokerSettings(cli, flags);
	const [trust, access] = await withFleet(cli, config, (fleet) =>
		Promise.all([fleet.trust.get('trust'), fleet.trust.get('access')]),
	);
	const asker = { name: flags.issuer, role: role ?? roleOfIssuer(trust, flags.issuer) };
	if (fromFile) return { list: fromFile, version: null, asker };
	return { list: access?.body ?? defaultAccess, version: access?.version ?? null, asker };
}

/** As the trust list has it; a node needs no entry there. */
function roleOfIssuer(trust: DocumentVersion<'trust'> | undefined, issuer: string): Role | null {
	const entry = trust?.body.keys.find(({ name }) => name === issuer);
	return entry?.role ?? (isNodeName(issuer) ? 'node' : null);
}

function parseData(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new StewardError('usage', '--data: expected JSON', { cause: error });
	}
}
