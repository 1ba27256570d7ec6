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
		.option(
			'--credentials <file>',
			'who asks, where the broker has accounts: what steward enrol made (.creds)',
		)
		.option('--tls-ca <file>', "authorities that the broker's certificate is checked against (the system's)")
		.option('--tls-cert <file>', 'a certificate of its own, where the broker asks for one')
		.option('--tls-key <file>', 'the key of that certificate')
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

/** How a command is to be treated. */
export function policyOptions(command: Command): Command {
	return command
		.option('--lane <lane>', 'urgent, normal or bulk')
		.option('--deliver-within <time>', 'longest wait for a start, or never (7d)')
		.option('--run-for <time>', 'longest run (10m)')
		.option('--attempts <number>', 'starts at the most (1)')
		.option(
			'--backoff <kind>',
			'wait between attempts: fixed, or exponential,initial=1s,cap=5m,jitter=0.5 (exponential)',
		)
		.option('--on-interrupt <policy>', 'its node dies in the middle: report or rerun (report)')
		.option(
			'--patience <time>',
			'how long its node may be silent past its clocks before it is called lost (7d)',
		)
		.option('--when-absent <policy>', 'a node is not present: queue, skip or reject (queue)');
}
