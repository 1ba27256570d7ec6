/**
 * Owns where settings come from: config file, environment, flags, in this order of weight.
 * Promises that all problems of a configuration are told at once, and that a named file which is not there is one.
 * Only reads.
 */

import { readFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf, StewardError, systemCodeOf } from '../base/errors.ts';
import { type Config, compileConfig } from '../domain/config.ts';
import { isRecord } from '../domain/validation.ts';
import type { BrokerFlags, Cli } from './cli.ts';
import { parseYaml } from './yaml.ts';

/** What flags set, in the form of the config file. */
export type Overrides = Readonly<Record<string, unknown>>;

/**
 * @param file A config file named by a flag.
 * @throws StewardError `invalid` with all problems.
 */
export async function loadSettings(cli: Cli, file: string | undefined, flags: Overrides): Promise<Config> {
	const { env } = cli;
	return compileConfig([
		{ data: join(setOr(env.XDG_DATA_HOME, join(home(cli), '.local', 'share')), 'steward') },
		await readConfigFile(cli, file),
		withoutUnset({
			servers: env.STEWARD_SERVERS,
			domain: env.STEWARD_DOMAIN,
			credentials: env.STEWARD_CREDENTIALS,
			...tlsOverride({ ca: env.STEWARD_TLS_CA, cert: env.STEWARD_TLS_CERT, key: env.STEWARD_TLS_KEY }),
			data: env.STEWARD_DATA,
			keys: env.STEWARD_KEYS,
			log: withoutUnset({ level: env.STEWARD_LOG }),
		}),
		flags,
	]);
}

/** The fields that have a value: an empty variable of the environment is none. */
export function withoutUnset(fields: Readonly<Record<string, unknown>>): Overrides {
	return Object.fromEntries(
		Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''),
	);
}

/** What flags say of the broker and the way to it. */
export function brokerOverrides(flags: BrokerFlags): Overrides {
	const { servers, domain, credentials, tlsCa, tlsCert, tlsKey } = flags;
	return {
		...withoutUnset({ servers, domain, credentials }),
		...tlsOverride({ ca: tlsCa, cert: tlsCert, key: tlsKey }),
	};
}

function tlsOverride(files: Readonly<Record<string, string | undefined>>): Overrides {
	const tls = withoutUnset(files);
	return Object.keys(tls).length === 0 ? {} : { tls };
}

/** Who may use the dashboard and the API. */
export function tokensFileOf({ cwd }: Cli, { http, data }: Config): string {
	return resolve(cwd, http.tokens ?? join(data, 'tokens.json'));
}

/** Where sockets are whose path would be too long in the data folder. */
export function runtimeDirOf(cli: Cli): string {
	return setOr(cli.env.XDG_RUNTIME_DIR, tmpdir());
}

function home(cli: Cli): string {
	return setOr(cli.env.HOME, homedir());
}

function setOr(value: string | undefined, otherwise: string): string {
	return value === undefined || value === '' ? otherwise : value;
}

async function readConfigFile(cli: Cli, named: string | undefined): Promise<unknown> {
	const { env } = cli;
	const explicit = named ?? setOr(env.STEWARD_CONFIG, '');
	if (explicit === '') return readConfig(join(configFolderOf(cli), 'config.yaml'));
	const path = resolve(cli.cwd, explicit);
	const config = await readConfig(path);
	if (config === undefined) throw notValid(path, ['cannot be read: there is no such file']);
	return config;
}

/** Where settings are looked for that nobody named. */
export function configFolderOf(cli: Cli): string {
	return join(setOr(cli.env.XDG_CONFIG_HOME, join(home(cli), '.config')), 'steward');
}

/** Undefined where there is none. @throws StewardError `invalid` */
export async function readConfig(path: string): Promise<Overrides | undefined> {
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return undefined;
		throw notValid(path, [`cannot be read: ${messageOf(error)}`], error);
	}
	return parseConfig(path, text);
}

async function parseConfig(path: string, text: string): Promise<Overrides> {
	const parsed = await parseYaml(text);
	if ('problems' in parsed) throw notValid(path, parsed.problems, parsed.cause);
	const value = parsed.value ?? {};
	if (isRecord(value)) return value;
	throw notValid(path, ['expected fields such as "servers: nats://127.0.0.1:4222", got something else']);
}

function notValid(path: string, problems: readonly string[], cause?: unknown): StewardError {
	return new StewardError(
		'invalid',
		`the configuration file ${path} is not valid:\n${problems.map((line) => `  ${line}`).join('\n')}`,
		{ cause, details: { path, problems } },
	);
}
