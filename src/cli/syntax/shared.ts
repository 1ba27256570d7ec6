/**
 * Owns what all groups of commands share: options that many have, and examples under a help.
 * Promises the same words for the same option everywhere.
 * Has no state.
 */

import type { Command } from 'commander';

/** Told when a command is over, with its exit code. */
export type Done = (code: number) => void;

/** Examples under a command's help. */
export function examples(...lines: readonly string[]): string {
	return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

export function brokerOptions(command: Command): Command {
	return command
		.option('--servers <urls>', 'addresses of the broker (nats://127.0.0.1:4222)')
		.option('--domain <name>', 'JetStream domain of the hub, where the broker is a leaf server of it')
		.option('--config <file>', 'config file, YAML or JSON');
}

export function jsonOption(command: Command): Command {
	return command.option('--json', 'machine-readable, also for errors (docs/json.md)');
}

/** Which commands are meant. */
export function filterOptions(command: Command): Command {
	return command
		.option('--node <name>', 'of one node')
		.option('--method <name>', 'of one method')
		.option('--state <states>', 'in one of these states, such as queued,running')
		.option('--since <time>', 'queued since then: 1h, or 2026-11-22T10:00:00Z');
}
