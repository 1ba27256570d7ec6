/**
 * Owns the config file of the embedded nats-server: the shipped `nats-server.conf` with five of its lines set.
 * Promises that whatever else an operator writes into the shipped file is what runs, `sync_interval` above all.
 * Pure; the file is written anew at each start.
 *
 * Why the lines are replaced: a second `jetstream` block in a file that includes the first replaces all of it, strict
 * durability too, and the flag -sd is refused beside a `store_dir` (both tried with 2.15.1).
 */

import { StewardError } from '../base/errors.ts';

export type ServerSettings = {
	readonly host: string;
	/** 0 lets the server pick a free one. */
	readonly port: number;
	readonly storeDir: string;
	/** Upper bound of all file streams together. */
	readonly maxFileBytes: number;
};

/** The text of a config file. Throws `invalid` if the shipped file has no such line, or more than one. */
export function serverConfig(shipped: string, settings: ServerSettings): string {
	const values = {
		host: quoted(settings.host),
		port: settings.port === 0 ? '-1' : String(settings.port),
		http: quoted('127.0.0.1:-1'),
		store_dir: quoted(settings.storeDir),
		max_file: String(settings.maxFileBytes),
	};
	let text = shipped;
	for (const [key, value] of Object.entries(values)) {
		// Further listeners have a host and a port as well, inside of their blocks.
		const indent = key === 'host' || key === 'port' ? '' : '[ \\t]*';
		const line = new RegExp(`^(${indent}${key}[ \\t]*[:=][ \\t]*).*$`, 'gm');
		const count = text.match(line)?.length ?? 0;
		if (count !== 1) {
			throw new StewardError(
				'invalid',
				`nats-server.conf: expected exactly one line "${key}: …", got ${count}; put it back, steward sets its value`,
			);
		}
		text = text.replace(line, (_, start: string) => start + value);
	}
	return `# Made by steward from nats-server.conf at each start. Change that file, not this one.\n\n${text}`;
}

function quoted(text: string): string {
	return JSON.stringify(text);
}
