/**
 * Owns the port between the commands and the process that they run in: environment, screens, input, signals.
 * Promises that main.ts alone touches `process`, so that everything else runs in a test as it does in a shell.
 * Nothing here outlives the process.
 */

import type { Clock } from '../base/clock.ts';
import type { Screen } from './render/screen.ts';
import type { Terminal } from './terminal.ts';

export type Cli = {
	readonly env: Readonly<Record<string, string | undefined>>;
	/** The folder that relative paths start from. */
	readonly cwd: string;
	readonly version: string;
	/** How the user calls this program here: `steward`, or `npx steward`. */
	readonly program: string;
	readonly stdout: Screen;
	readonly stderr: Screen;
	/** All of standard input, as text. */
	readStdin(): Promise<string>;
	/** The terminal as a whole screen; undefined where keys or screen are none. */
	readonly terminal?: Terminal | undefined;
	readonly clock: Clock;
	/** The zone of this machine, IANA: what a time without one means to its user. */
	readonly timeZone: string;
	/** Calls `listener` on SIGINT and SIGTERM instead of ending; the answer takes it back. */
	onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
	/** Ends the process now, as a kill does, whatever is unfinished. */
	endAtOnce(): void;
};

/** Options that several commands share, as commander hands them over. */
export type BrokerFlags = {
	readonly servers?: string;
	readonly domain?: string;
	readonly config?: string;
	readonly credentials?: string;
	readonly tlsCa?: string;
	readonly tlsCert?: string;
	readonly tlsKey?: string;
};
export type JsonFlag = { readonly json?: boolean };
