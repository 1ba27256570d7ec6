/**
 * Owns `steward doctor`: whether this machine's credentials, certificates, clock, broker and keys are as they should be.
 * Promises to look at everything, whatever it finds on the way, to change nothing, and to show no secret.
 * Keeps nothing.
 */

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { unbracketed } from '../../base/address.ts';
import { formatDuration } from '../../base/duration.ts';
import { isStewardError, messageOf } from '../../base/errors.ts';
import { refuseOpenTo } from '../../base/secret-files.ts';
import type { Config } from '../../domain/config.ts';
import { closeConnection, openConnection } from '../../jetstream/connection.ts';
import { readTopology } from '../../jetstream/topology.ts';
import { type Credentials, parseCredentials } from '../../security/credentials.ts';
import { isKeyFolder } from '../../security/key-folder.ts';
import { lookAtTls } from '../../security/tls-look.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Finding, printFindings, spanFinding } from '../render/finding.ts';
import { brokerOverrides, loadSettings, withoutUnset } from '../settings.ts';
import { lookAtKeys } from './doctor-keys.ts';

export type DoctorFlags = BrokerFlags & JsonFlag & { readonly keys?: string; readonly data?: string };

const lookMs = 3000;
/** Deadlines and signatures count in the broker's time: more than this, and times that people read mislead them. */
const offsets = { warningMs: 5000, problemMs: 60_000 } as const;

export async function doctor(cli: Cli, flags: DoctorFlags): Promise<number> {
	const overrides = { ...brokerOverrides(flags), ...withoutUnset({ keys: flags.keys, data: flags.data }) };
	const config = await loadSettings(cli, flags.config, overrides);
	const nowMs = cli.clock.now();
	const { findings: ofCredentials, credentials } = await lookAtCredentials(cli, config, nowMs);
	const { findings: ofAuthority, ca } = await lookAtAuthority(cli, config, nowMs);
	const findings = [...ofCredentials, ...ofAuthority];
	for (const server of config.servers) findings.push(...(await lookAtServer(config, server, ca, nowMs)));
	findings.push(...(await lookAtBroker(cli, config, credentials)));
	const keys = resolve(cli.cwd, config.keys ?? join(config.data, 'keys'));
	const hasKeys = config.keys !== undefined || (await isKeyFolder(keys));
	if (credentials || hasKeys) findings.push(...(await lookForOpenDoor(cli, config)));
	if (hasKeys) findings.push(...(await lookAtKeys(keys, nowMs)));
	if (flags.json) cli.stdout.line(JSON.stringify(findings));
	else printFindings(cli.stdout, findings);
	return findings.some(({ level }) => level === 'problem') ? exitCodes.notSucceeded : exitCodes.done;
}

async function lookAtCredentials(
	cli: Cli,
	config: Config,
	nowMs: number,
): Promise<{ findings: Finding[]; credentials?: Credentials }> {
	const check = 'credentials';
	if (config.credentials === undefined) {
		return { findings: [{ check, level: 'ok', text: 'none are set: for a broker without accounts' }] };
	}
	const path = resolve(cli.cwd, config.credentials);
	const findings: Finding[] = [];
	try {
		await refuseOpenTo(path, 'file');
	} catch (error) {
		findings.push({ check, level: 'problem', text: messageOf(error) });
	}
	try {
		const credentials = parseCredentials(await readFile(path, 'utf8'));
		const { name, role = 'an unknown role', issuedAt, expiresAt } = credentials;
		const what = `${path}: ${name} (${role})`;
		const next = `where the fleet's keys are: steward enrol --renew ${name}; then join again here`;
		// A second is what JWTs count in.
		const span = { from: (issuedAt ?? 0) - offsets.warningMs, until: expiresAt };
		findings.push(spanFinding(check, what, span, { nowMs, next }));
		return { findings, credentials };
	} catch (error) {
		findings.push({ check, level: 'problem', text: `${path}: ${messageOf(error)}` });
		return { findings };
	}
}

async function lookAtAuthority(
	cli: Cli,
	{ tls }: Config,
	nowMs: number,
): Promise<{ findings: Finding[]; ca?: string }> {
	if (!tls || tls.ca === undefined) return { findings: [] };
	const check = 'authority';
	const path = resolve(cli.cwd, tls.ca);
	try {
		const ca = await readFile(path, 'utf8');
		const { validFrom, validTo, ca: isAuthority } = new X509Certificate(ca);
		const span = { from: Date.parse(validFrom), until: Date.parse(validTo) };
		const next = 'the fleet needs a new authority: its machines have to join again';
		const dates = spanFinding(check, path, span, { nowMs, next });
		const kind: Finding[] = isAuthority
			? []
			: [{ check, level: 'problem', text: `${path} is a server's certificate, and no authority's` }];
		return { findings: [dates, ...kind], ca };
	} catch (error) {
		return { findings: [{ check, level: 'problem', text: `${path} cannot be used: ${messageOf(error)}` }] };
	}
}

async function lookAtServer(
	{ tls, credentials }: Config,
	server: string,
	ca: string | undefined,
	nowMs: number,
): Promise<Finding[]> {
	const { protocol, hostname, port } = new URL(server.includes('://') ? server : `nats://${server}`);
	const host = unbracketed(hostname);
	const isMeant = protocol === 'tls:' || protocol === 'wss:' || (tls !== undefined && tls !== false);
	const check = `tls ${host}`;
	if (!isMeant) {
		const isOpen = credentials === undefined;
		return [
			{ check, level: 'ok', text: isOpen ? 'not meant: no accounts either' : 'decided when it connects' },
		];
	}
	const { serverName } = tls || {};
	const look = await lookAtTls(
		{ host, port: Number(port || 4222), ...withoutUnset({ ca, serverName }) },
		lookMs,
	);
	if ('problem' in look) {
		const next = 'does a server listen there, with TLS first (handshake_first)?';
		return [{ check, level: 'problem', text: look.problem, next }];
	}
	const next = "where the broker's keys are: steward rotate --tls, then restart the broker";
	const findings = [
		{ check, level: 'ok', text: `${look.protocol}, ${look.cipher}` } as const,
		spanFinding(check, 'its certificate', look, { nowMs, next }),
	];
	if (look.untrusted === undefined) return findings;
	const text = `its certificate is not trusted here: ${look.untrusted}`;
	const help = 'is the authority the right one (tls.ca), and is this name in the certificate?';
	return [...findings, { check, level: 'problem', text, next: help }];
}

async function lookAtBroker(
	cli: Cli,
	{ servers, domain, tls }: Config,
	credentials: Credentials | undefined,
): Promise<Finding[]> {
	const check = 'broker';
	try {
		const options = { servers, domain, tls, credentials, name: 'steward doctor', timeoutMs: lookMs };
		const connection = await openConnection(options);
		try {
			const letIn: Finding = { check, level: 'ok', text: `${servers.join(', ')} lets this program in` };
			if (credentials?.role === 'node') return [letIn];
			const topology = await readTopology(connection);
			if (topology) return [letIn, clockFinding(cli.clock.now() - topology.serverTime)];
			return [letIn, { check: 'clock', level: 'ok', text: 'not compared: no centre was ever here' }];
		} finally {
			await closeConnection(connection, cli.clock);
		}
	} catch (error) {
		return [{ check, level: 'problem', text: messageOf(error) }];
	}
}

/** A broker without accounts takes any credentials, and says nothing. */
async function lookForOpenDoor(cli: Cli, { servers, domain, tls }: Config): Promise<Finding[]> {
	const check = 'accounts';
	const options = { servers, domain, tls, name: 'steward doctor without credentials', timeoutMs: lookMs };
	try {
		await closeConnection(await openConnection(options), cli.clock);
	} catch (error) {
		// No broker: that is told above.
		if (!isStewardError(error, 'unauthorized')) return [];
		return [{ check, level: 'ok', text: 'the broker lets nobody in without credentials' }];
	}
	const next = 'where it runs: is its nats-server.conf as steward init --secure made it?';
	return [{ check, level: 'problem', text: 'the broker lets in who has no credentials', next }];
}

function clockFinding(aheadMs: number): Finding {
	const distance = Math.abs(aheadMs);
	const text = `this machine's clock is ${formatDuration(distance)} ${aheadMs < 0 ? 'behind' : 'ahead of'} the broker's`;
	const next = 'set it right: timedatectl set-ntp true';
	if (distance >= offsets.problemMs) return { check: 'clock', level: 'problem', text, next };
	if (distance >= offsets.warningMs) return { check: 'clock', level: 'warning', text, next };
	return { check: 'clock', level: 'ok', text };
}
