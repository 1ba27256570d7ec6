/**
 * Owns publishing a signed document from the command line: sign, store, wait until the nodes that are there have it.
 * Promises that what was published stays so whatever comes after, and that who has not taken it is named.
 * A crash leaves it published or not; the same again changes nothing.
 */

import { isStewardError, StewardError } from '../../base/errors.ts';
import type { Fleet } from '../../client/fleet.ts';
import { type DocumentVersion, documentView } from '../../client/trust.ts';
import { type DocumentBody, type DocumentKind, rootsAfter } from '../../domain/document.ts';
import type { DocumentOutcome } from '../../domain/document-view.ts';
import type { SigningKey } from '../../security/keys.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { printOutcome } from '../render/trust.ts';
import { parseTimeout } from './follow.ts';
import { type RootFlags, rootKeys } from './root-keys.ts';

export type PublishFlags = BrokerFlags &
	JsonFlag &
	RootFlags & { readonly reason?: string; readonly wait?: boolean; readonly timeout?: string };

/** A node that is there takes it sooner. */
const usualTimeoutMs = 15_000;
const lookAgainMs = 300;

/** What the new version says; undefined leaves the current one. */
type Change<Kind extends DocumentKind> = (
	current: DocumentVersion<Kind> | undefined,
	fleet: Fleet,
) => DocumentBody<Kind> | Promise<DocumentBody<Kind>>;

export async function publishDocument<Kind extends DocumentKind>(
	cli: Cli,
	kind: Kind,
	flags: PublishFlags,
	change: Change<Kind>,
): Promise<number> {
	const roots = await rootKeys(cli, flags);
	const timeoutMs = parseTimeout(flags.timeout) ?? usualTimeoutMs;
	const config = await brokerSettings(cli, flags);
	return withFleet(cli, config, async (fleet) => {
		const current = await fleet.trust.get(kind);
		const body = await change(current, fleet);
		const { reason = '' } = flags;
		const options = { roots, reason, after: current?.version ?? 0 };
		const { isNew, ...version } = await fleet.trust.publish(kind, body, options);
		if (kind === 'trust') await keepAccessSigned(cli, fleet, roots);
		const nodes =
			flags.wait === false
				? null
				: await untilTaken(cli, fleet, { kind, timeoutMs, version: version.version });
		const outcome: DocumentOutcome = {
			outcome: isNew ? 'published' : 'unchanged',
			document: documentView(version),
			nodes,
		};
		if (flags.json) cli.stdout.line(JSON.stringify(outcome));
		else printOutcome(cli.stdout, outcome);
		if (!nodes || nodes.waiting.length === 0) return exitCodes.done;
		throw new StewardError(
			'waited-too-long',
			`version ${version.version} is published, and these nodes are there and have not taken it: ${nodes.waiting.join(', ')} ` +
				`(steward list --node ${nodes.waiting[0]} --method ${kind} tells why)`,
			{ details: { waiting: nodes.waiting } },
		);
	});
}

/** Who is enrolled from now on knows the new roots only, and takes no access list of others. */
async function keepAccessSigned(cli: Cli, fleet: Fleet, roots: readonly SigningKey[]): Promise<void> {
	const [trust, access] = [await fleet.trust.get('trust'), await fleet.trust.get('access')];
	const last = trust?.documents.at(-1);
	if (!access || !last) return;
	const counting = rootsAfter(last, []);
	if (access.signers.some((key) => counting.includes(key))) return;
	const signing = roots.filter(({ publicKey }) => counting.includes(publicKey));
	if (signing.length === 0) {
		cli.stderr.line(
			`no root that counts now has signed the access list: nodes that come from now on will not take it. ` +
				`Sign it anew: steward access set --from-version ${access.version} --root-key FILE`,
		);
		return;
	}
	const reason = `signed by a root of trust list ${trust?.version}`;
	const { version } = await fleet.trust.publish('access', access.body, {
		roots: signing,
		reason,
		after: access.version,
	});
	cli.stderr.line(`access list ${version} says the same, signed by a root that counts now`);
}

type Awaited = { readonly kind: DocumentKind; readonly version: number; readonly timeoutMs: number };

/** Null where no centre answers: then nodes get it as soon as one runs. */
async function untilTaken(
	cli: Cli,
	{ trust }: Fleet,
	{ kind, version, timeoutMs }: Awaited,
): Promise<DocumentOutcome['nodes']> {
	const { clock, stderr } = cli;
	const startedAt = clock.monotonic();
	try {
		for (;;) {
			const nodes = await trust.nodes(kind);
			const names = (fits: (node: (typeof nodes)[number]) => boolean) =>
				nodes.filter(fits).map(({ node }) => node);
			const have = names((node) => node.version >= version);
			const missing = nodes.filter((node) => node.version < version);
			const waiting = missing.filter(({ presence }) => presence === 'present').map(({ node }) => node);
			stderr.status(
				`${have.length} of ${have.length + waiting.length} present nodes have version ${version}`,
			);
			if (waiting.length === 0 || clock.monotonic() - startedAt > timeoutMs) {
				return {
					have,
					waiting,
					absent: names((node) => node.version < version && node.presence !== 'present'),
				};
			}
			await clock.sleep(lookAgainMs);
		}
	} catch (error) {
		if (!isStewardError(error, 'no-centre')) throw error;
		stderr.line('no centre answers: nodes get it as soon as one runs');
		return null;
	} finally {
		stderr.status('');
	}
}
