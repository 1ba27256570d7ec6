/**
 * Owns the window on a centre as the long-running commands run it: the centre, and the HTTP server that shows it.
 * Promises that the server begins after its centre, and signs with the credentials that its settings name, else with the centre's.
 * Nothing is kept.
 */

import type { Log } from '../../base/log.ts';
import { streamsDir, webDir } from '../../base/package.ts';
import type { Central } from '../../central/central.ts';
import type { Config } from '../../domain/config.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { Credentials } from '../../security/credentials.ts';
import { pinnedList, readTrustFile } from '../../security/trust-file.ts';
import { calledAs } from '../called-as.ts';
import type { Cli } from '../cli.ts';
import { credentialsOf, trustFileOf } from '../connect.ts';
import { tokensFileOf } from '../settings.ts';
import type { Running } from './run-services.ts';

/** `port` of the HTTP server; undefined: its usual one, if nobody else has it. */
export function windowOn(cli: Cli, log: Log, port: number | undefined) {
	let central: Central | undefined;
	let http: HttpServer | undefined;
	let made: { config: Config; credentials: Credentials | undefined } | undefined;
	return {
		async centre(options: { config: Config; log: Log; budgetBytes?: number }): Promise<Running> {
			const { Central } = await import('../../central/central.ts');
			const credentials = await credentialsOf(cli, options.config);
			const trustFile = trustFileOf(cli, options.config);
			const service = new Central({ ...options, credentials, trustFile, clock: cli.clock, streamsDir });
			central = service;
			made = { config: options.config, credentials };
			return { service, onFailure: (listener) => service.onFailure(listener) };
		},
		async http(): Promise<Running> {
			if (!made) throw new Error('the HTTP server begins after its centre');
			const { config } = made;
			const signAs = config.http.credentials;
			const credentials =
				signAs === undefined
					? made.credentials
					: await credentialsOf(cli, { ...config, credentials: signAs });
			const { HttpServer } = await import('../../http/http-server.ts');
			const { clock, version } = cli;
			const trust = pinnedList(config.node.roots, await readTrustFile(trustFileOf(cli, config)));
			const service = new HttpServer({
				settings: { ...config.http, port },
				tokensFile: tokensFileOf(cli, config),
				...{ credentials, roots: trust?.roots ?? config.node.roots, trust, webDir, version, clock, log },
				cli: calledAs(cli.program, config.servers),
				window: () => central?.window,
			});
			http = service;
			return { service, onFailure: () => undefined };
		},
		/** Where it listens, once it runs. */
		url: () => http?.url,
	};
}
