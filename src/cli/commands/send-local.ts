/**
 * Owns the way out of `send` when no broker answers: a node on this machine, through its unix socket.
 * Promises that it is said on stderr whose disk the messages are on, and under which ids they go out.
 * An answer that was lost leaves a message accepted or not; its id makes asking again harmless.
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isStewardError, messageOf, StewardError, systemCodeOf } from '../../base/errors.ts';
import type { Config } from '../../domain/config.ts';
import { type MessageForm, parseMessage } from '../../domain/message.ts';
import { isNodeName, operatorSender } from '../../domain/names.ts';
import { queuedView, type Receipt } from '../../domain/view.ts';
import type { Accepted } from '../../node/intake/intake.ts';
import { sendViaSocket } from '../../node/intake/socket-client.ts';
import { socketPathFor } from '../../node/intake/socket-path.ts';
import type { Cli } from '../cli.ts';
import { runtimeDirOf } from '../settings.ts';

const answerTimeoutMs = 5000;

/** @throws StewardError `no-broker` when no local node listens either, or whatever a node refuses with */
export async function handToLocalNode(
	cli: Cli,
	config: Config,
	forms: readonly MessageForm[],
	noBroker: StewardError,
): Promise<Receipt[]> {
	const names = await localNodes(config);
	const receipts: Receipt[] = [];
	for (const form of forms) {
		const taken = await offer(cli, config, names, form);
		if (taken === undefined) throw nobody(noBroker, config, names, receipts);
		const { node, accepted } = taken;
		const ids = accepted.map(({ id }) => id).join(', ');
		cli.stderr.line(
			`${whyLocal(config, noBroker)}; handed to the local node ${node}: ` +
				`it is on its disk, and goes out under the id ${ids} when the link is back`,
		);
		receipts.push(...accepted.flatMap((one) => acceptedReceipts(form, one)));
	}
	return receipts;
}

function whyLocal({ servers, domain }: Config, { code, details }: StewardError): string {
	if (code === 'unauthorized') return `the credentials are those of ${details.name}, a node`;
	const where = servers.join(', ');
	return domain === undefined
		? `no broker answers at ${where}`
		: `the hub (domain ${domain}) cannot be reached by ${where}`;
}

/** Nodes that have data here; the configured one first. */
async function localNodes(config: Config): Promise<readonly string[]> {
	try {
		const names = (await readdir(join(config.data, 'nodes'))).filter(isNodeName).sort();
		return names.sort((a, b) => Number(b === config.node.name) - Number(a === config.node.name));
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'EACCES') return [];
		throw error;
	}
}

async function offer(
	cli: Cli,
	config: Config,
	names: readonly string[],
	form: MessageForm,
): Promise<{ node: string; accepted: readonly Accepted[] } | undefined> {
	const runtimeDir = runtimeDirOf(cli);
	for (const node of names) {
		const path = socketPathFor(join(config.data, 'nodes', node), runtimeDir);
		try {
			return {
				node,
				accepted: await sendViaSocket(path, form, { timeoutMs: answerTimeoutMs, clock: cli.clock }),
			};
		} catch (error) {
			if (!isStewardError(error, 'not-found')) throw error;
		}
	}
	return undefined;
}

function nobody(
	noBroker: StewardError,
	config: Config,
	names: readonly string[],
	receipts: readonly Receipt[],
): StewardError {
	const found = names.length === 0 ? 'none has data' : `${names.join(', ')} does not run, with data`;
	const sent = receipts.map(({ handle }) => handle);
	return new StewardError(
		noBroker.code,
		`${messageOf(noBroker)}; no node of this machine can take it either: ${found} in ${config.data}`,
		{ cause: noBroker, details: sent.length === 0 ? {} : { sent } },
	);
}

function acceptedReceipts(form: MessageForm, { id, nodes }: Accepted): Receipt[] {
	const { kind, method, policy, notBefore } = parseMessage(form);
	const lane = kind === 'event' ? 'events' : (policy.lane ?? 'normal');
	return nodes.map((node) => ({
		...queuedView({
			node,
			id,
			kind,
			method,
			lane,
			sender: operatorSender,
			queuedAt: null,
			notBefore,
			deadlineAt: null,
		}),
		state: 'accepted',
		duplicate: false,
		presence: { status: 'unknown', since: null },
		position: null,
		seq: null,
		via: 'outbox',
	}));
}
