/**
 * Owns the long-running commands: up (broker, centre and node `central` in one process), central, node.
 * Promises that what they print on stdout is for people, once, when all runs; the log goes to stderr.
 * After a crash the next start takes over: the broker its store, the centre its lease, the node its journal.
 */

import { join, resolve } from 'node:path';
import { StewardError } from '../../base/errors.ts';
import { createLog, type Log } from '../../base/log.ts';
import type { Config } from '../../domain/config.ts';
import { centralNode } from '../../domain/names.ts';
import type { MetricsServer } from '../../http/metrics/metrics-server.ts';
import type { Node } from '../../node/node.ts';
import type { BrokerFlags, Cli } from '../cli.ts';
import { credentialsOf, trustFileOf } from '../connect.ts';
import { unwatched } from '../service-manager.ts';
import { brokerOverrides, loadSettings, runtimeDirOf, withoutUnset } from '../settings.ts';
import { ownFleet } from './own-fleet.ts';
import { type Running, runServices } from './run-services.ts';
import { numberOr, parsePairs } from './send-form.ts';
import { windowOn } from './window.ts';

type ServiceFlags = { readonly config?: string; readonly data?: string; readonly logLevel?: string };
type HttpFlags = { readonly http?: string | boolean; readonly httpOrigin?: string };
type LabelFlags = { readonly labels?: string; readonly inmsg?: string };
export type UpFlags = ServiceFlags &
	LabelFlags &
	HttpFlags & { readonly port?: string; readonly shards?: string; readonly keys?: string };
export type CentralFlags = ServiceFlags &
	BrokerFlags &
	HttpFlags & { readonly shards?: string; readonly replicas?: string };
export type NodeFlags = ServiceFlags &
	BrokerFlags &
	LabelFlags & { readonly node?: string; readonly metrics?: string };

export async function up(cli: Cli, flags: UpFlags): Promise<number> {
	const config = await settings(cli, flags, {
		...withoutUnset({ keys: flags.keys }),
		broker: withoutUnset({ port: flags.port && numberOr(flags.port) }),
		centre: withoutUnset({ shards: flags.shards && numberOr(flags.shards) }),
		node: nodeOverrides(cli, flags),
		http: httpOverrides(flags),
	});
	const { Broker } = await import('../../broker/broker.ts');
	const { clock } = cli;
	const log = await logFor(cli, config);
	const fleet = await ownFleet(cli, config);
	let gaveUp: (error: Error) => void = () => undefined;
	const broker = new Broker({
		...{ dataDir: config.data, host: fleet.host, port: fleet.port, secureConfig: fleet.secureConfig },
		...{ env: cli.env, clock, log, random: Math.random },
		onGaveUp: (error) => gaveUp(error),
	});
	const settingsOf = (user: string) => fleet.settingsOf(user, broker.url);
	// Whoever lets the broker pick its port lets this one be picked as well.
	const port = config.http.port ?? (fleet.port === 0 ? 0 : undefined);
	const window = windowOn(cli, log, port);
	return runServices(
		cli,
		log,
		[
			() => ({
				service: broker,
				onFailure: (listener) => {
					gaveUp = listener;
				},
			}),
			() => window.centre({ config: settingsOf('centre'), log, budgetBytes: broker.storageBudgetBytes }),
			...(config.http.enabled ? [window.http] : []),
			...nodeOn(cli, {
				...{ name: centralNode, settings: () => settingsOf(centralNode), log },
				metrics: config.node.metrics,
			}).makers,
		],
		() =>
			printReady(cli, config, {
				...{ url: broker.url, dashboard: window.url(), isSecure: fleet.secureConfig !== undefined },
			}),
	);
}

export async function central(cli: Cli, flags: CentralFlags): Promise<number> {
	const config = await settings(cli, flags, {
		...brokerOverrides(flags),
		centre: withoutUnset({
			shards: flags.shards && numberOr(flags.shards),
			replicas: flags.replicas && numberOr(flags.replicas),
		}),
		http: httpOverrides(flags),
	});
	const log = await logFor(cli, config);
	const window = windowOn(cli, log, config.http.port);
	const makers = [() => window.centre({ config, log }), ...(config.http.enabled ? [window.http] : [])];
	return runServices(cli, log, makers, () => {
		cli.stdout.line(`the centre runs on ${config.servers.join(', ')}`);
		const url = window.url();
		if (url !== undefined) cli.stdout.line(`its dashboard: ${url}`);
	});
}

export async function runNode(cli: Cli, flags: NodeFlags): Promise<number> {
	const config = await settings(cli, flags, {
		...brokerOverrides(flags),
		node: {
			...nodeOverrides(cli, flags),
			...withoutUnset({ name: flags.node, metrics: flags.metrics && placeFrom(flags.metrics) }),
		},
	});
	const { name } = config.node;
	if (name === undefined) {
		throw new StewardError(
			'usage',
			'which node is this? steward node --node ship1 (or node.name in the config)',
		);
	}
	const log = await logFor(cli, config);
	const running = nodeOn(cli, { name, settings: () => config, metrics: config.node.metrics, log });
	return runServices(cli, log, running.makers, () => {
		cli.stdout.line(`node ${name} runs; it keeps its data in ${nodeFolder(config, name)}`);
		cli.stdout.line(`its broker: ${config.servers.join(', ')} (it is looked for until it is there)`);
		cli.stdout.line(`messages may be appended to ${inmsgOf(cli, config, name)}`);
		const url = running.metricsUrl();
		if (url !== undefined) cli.stdout.line(`its metrics: ${url}`);
	});
}

function settings(
	cli: Cli,
	flags: ServiceFlags,
	overrides: Readonly<Record<string, unknown>>,
): Promise<Config> {
	return loadSettings(cli, flags.config, {
		...withoutUnset({ data: flags.data && resolve(cli.cwd, flags.data) }),
		...overrides,
		log: withoutUnset({ level: flags.logLevel }),
	});
}

function nodeOverrides(cli: Cli, { labels, inmsg }: LabelFlags): Readonly<Record<string, unknown>> {
	return withoutUnset({
		labels: labels && parsePairs('--labels', labels),
		inmsg: inmsg && resolve(cli.cwd, inmsg),
	});
}

/** `--http 8080`, `--http 127.0.0.1:8080`, `--no-http`. */
function httpOverrides({ http, httpOrigin }: HttpFlags): Readonly<Record<string, unknown>> {
	const origins = withoutUnset({ origins: httpOrigin?.split(',') });
	if (http === undefined || http === true) return origins;
	return http === false ? { enabled: false } : { ...placeFrom(http), ...origins };
}

/** `8080`, `127.0.0.1:8080`. */
function placeFrom(text: string): Readonly<Record<string, unknown>> {
	const [, host, port = ''] = /^(?:(.+):)?([^:]*)$/.exec(text) ?? [];
	return withoutUnset({ host, port: numberOr(port) });
}

function logFor(cli: Cli, config: Config): Promise<Log> {
	return createLog({ level: config.log.level, pretty: cli.stderr.isTTY });
}

/** A node, and the server of its metrics where its settings ask for one. */
function nodeOn(
	cli: Cli,
	{
		name,
		settings,
		metrics: place,
		log,
	}: Pick<Config['node'], 'metrics'> & {
		name: string;
		/** Known when it starts. */
		settings: () => Config;
		log: Log;
	},
) {
	let node: Node | undefined;
	let metrics: MetricsServer | undefined;
	const makeNode = async (): Promise<Running> => {
		const { Node } = await import('../../node/node.ts');
		const { cwd, clock, version } = cli;
		const config = settings();
		const service = new Node({
			...{ name, config, log },
			credentials: await credentialsOf(cli, config),
			trustFile: trustFileOf(cli, config),
			...{ dataDir: nodeFolder(config, name), version, clock, random: Math.random },
			...{ env: unwatched(cli.env), cwd, runtimeDir: runtimeDirOf(cli) },
		});
		node = service;
		return { service, onFailure: (listener) => service.onFailure(listener) };
	};
	const makeMetrics = async (place: NonNullable<Config['node']['metrics']>): Promise<Running> => {
		const { MetricsServer } = await import('../../http/metrics/metrics-server.ts');
		const { NodeMetrics } = await import('../../http/metrics/node-metrics.ts');
		const read = async () => node?.figures();
		metrics = new MetricsServer({ ...place, metrics: () => new NodeMetrics(read), log });
		return { service: metrics, onFailure: () => undefined };
	};
	return {
		makers: [makeNode, ...(place ? [() => makeMetrics(place)] : [])],
		metricsUrl: () => metrics?.url,
	};
}

function nodeFolder(config: Config, name: string): string {
	return join(resolve(config.data), 'nodes', name);
}

function inmsgOf(cli: Cli, config: Config, name: string): string {
	const { inmsg } = config.node;
	return inmsg === undefined ? join(nodeFolder(config, name), 'inmsg.txt') : resolve(cli.cwd, inmsg);
}

function printReady(
	cli: Cli,
	config: Config,
	{ url, dashboard, isSecure }: { url: string; dashboard: string | undefined; isSecure: boolean },
): void {
	const elsewhere = url === 'nats://127.0.0.1:4222' ? '' : ` --servers ${url}`;
	const { stdout, program } = cli;
	stdout.line(`${stdout.paint('green', 'steward is up')}: broker, centre and the node central`);
	stdout.line();
	stdout.line(`  data       ${resolve(config.data)}`);
	if (dashboard !== undefined) stdout.line(`  dashboard  ${stdout.paint('bold', dashboard)}`);
	if (dashboard !== undefined && isSecure)
		stdout.line(`             asks for a token: ${program} tokens add you --role operator`);
	stdout.line(`  broker     ${url}`);
	if (!isSecure) {
		const warning = `without accounts: everyone on this machine may do everything (${program} init --secure changes that)`;
		stdout.line(`             ${stdout.paint('yellow', warning)}`);
	}
	stdout.line();
	stdout.line('Try next, in another terminal:');
	stdout.line();
	for (const [command, comment] of isSecure
		? secureSteps(program)
		: ([
				[`${program} send central shellCommand${elsewhere} --wait -- echo hello`, 'runs here, at once'],
				[
					`${program} send ship1 shellCommand${elsewhere} -- uname -a`,
					'waits for a node that is not there yet',
				],
				[`${program} node --node ship1${elsewhere}`, 'is that node: the command runs as soon as it connects'],
			] as const)) {
		stdout.line(`  ${stdout.paint('bold', command)}`);
		stdout.line(`      ${stdout.paint('dim', comment)}`);
	}
}

function secureSteps(program: string) {
	return [
		[
			`${program} send central shellCommand --wait -- echo hello`,
			'runs here, at once; by an operator who has joined',
		],
		[`${program} enrol ship1`, 'makes the file that lets ship1 in'],
	] as const;
}
