/**
 * Owns the words of the commands about who belongs to the fleet: enrol, join, enrolled, revoke, rotate, keys, doctor.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { DoctorFlags } from '../commands/doctor.ts';
import type { EnrolFlags } from '../commands/enrol.ts';
import type { JoinFlags } from '../commands/join.ts';
import type { EnrolledFlags, RotateFlags } from '../commands/keys.ts';
import type { KeysFlags } from '../commands/keys-folder.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addKeys(program: Command, cli: Cli, done: Done): void {
	const keys = () => import('../commands/keys.ts');
	addEnrol(program, cli, done);
	addDoctor(program, cli, done);
	keysOptions(program.command('enrolled'))
		.summary('list who was enrolled')
		.description('Lists who was enrolled, with what ends it. Needs no broker.')
		.option('--all', 'also what was revoked')
		.action(async (flags: EnrolledFlags) => done(await (await keys()).listEnrolled(cli, flags)));
	tellingOptions(keysOptions(program.command('revoke')))
		.summary('keep somebody out from now on')
		.description(
			'Takes credentials back. Who is connected with them is cut off at once. Where the broker cannot be told now, it is ' +
				'kept, and told with the next of these commands.',
		)
		.argument('<names...>')
		.addHelpText('after', examples('steward revoke ship1'))
		.action(async (names: string[], flags: KeysFlags) =>
			done(await (await keys()).revokeNames(cli, names, flags)),
		);
	tellingOptions(keysOptions(program.command('rotate')))
		.summary('renew signing keys, or the server certificate')
		.description(
			'Makes new signing keys; the old ones still count until --finish, so that everyone can be given new credentials ' +
				'(steward enrol --renew) in between.',
		)
		.option('--finish', 'the old signing keys count no more')
		.option('--yes', 'with --finish: also where that keeps somebody out')
		.option('--tls', "renews the server's certificate instead")
		.addHelpText(
			'after',
			examples('steward rotate', 'steward enrol --renew ship1', 'steward rotate --finish'),
		)
		.action(async (flags: RotateFlags) => done(await (await keys()).rotate(cli, flags)));
	const group = program.command('keys').summary('bring the broker up to date with the keys');
	tellingOptions(keysOptions(group.command('push')))
		.description('Tells the broker all accounts as they are now.')
		.action(async (flags: KeysFlags) => done(await (await keys()).pushKeys(cli, flags)));
}

function addDoctor(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('doctor')))
		.summary('look for what is wrong with credentials, certificates and clock')
		.description(
			'Looks at the credentials, the authority and the certificate of the broker, at TLS, at the clock, and at the keys where ' +
				'they are; changes nothing. Exit code 1 when it finds a problem.',
		)
		.option('--keys <dir>', 'folder of the keys (keys in the data folder, if they are there)')
		.option('--data <dir>', 'data folder (~/.local/share/steward)')
		.action(async (flags: DoctorFlags) =>
			done(await (await import('../commands/doctor.ts')).doctor(cli, flags)),
		);
}

function addEnrol(program: Command, cli: Cli, done: Done): void {
	tellingOptions(keysOptions(program.command('enrol')))
		.summary('let a ship, a person or a centre in')
		.description(
			'Makes credentials, without the broker, and a bundle file that takes them to their machine (steward join). Whoever has ' +
				'the bundle is that machine: copy it by a safe way, or make the key there (steward node keygen).',
		)
		.argument('[names...]')
		.option('--file <file>', 'names, one a line; - reads them from standard input')
		.option('--role <role>', 'node, operator (commands the fleet), viewer (only reads) or centre (node)')
		.option('--labels <k=v,…>', 'labels of a node')
		.option('--expires <time>', 'how long the credentials count, such as 365d (until they are revoked)')
		.option('--public-key <key>', 'of a key that was made on its machine: then the bundle holds no secret')
		.option('--out <path>', 'the bundle file (NAME.steward); for several names their folder')
		.option(
			'--again',
			'a name that is enrolled gets a new key, and the old one is revoked; what is not said stays',
		)
		.option(
			'--renew',
			'a name that is enrolled gets new credentials for the key that it has; what is not said stays',
		)
		.addHelpText(
			'after',
			examples(
				'steward enrol ship1 --labels role=tug,port=hamburg --expires 365d',
				'steward enrol alice --role operator',
				'steward enrol --file ships.txt --out bundles',
				'steward enrol ship1 --public-key UABC…',
			),
		)
		.action(async (names: string[], flags: EnrolFlags) =>
			done(await (await import('../commands/enrol.ts')).enrolNames(cli, names, flags)),
		);
	jsonOption(program.command('join'))
		.summary('make this machine the one that was enrolled')
		.description(
			'Takes the bundle that steward enrol made: credentials, authority and settings of this machine. Joining again puts ' +
				'newer credentials in the place of the old.',
		)
		.argument('<bundle>')
		.option('--key <file>', 'the key that was made here (steward node keygen), where the bundle has none')
		.option('--to <dir>', 'where credentials and settings go (~/.config/steward)')
		.addHelpText('after', examples('steward join ship1.steward && steward node'))
		.action(async (bundle: string, flags: JoinFlags) =>
			done(await (await import('../commands/join.ts')).joinFleet(cli, bundle, flags)),
		);
}

function keysOptions(command: Command): Command {
	return jsonOption(command)
		.option('--keys <dir>', 'folder of the keys (keys in the data folder)')
		.option('--data <dir>', 'data folder (~/.local/share/steward)')
		.option('--config <file>', 'config file, YAML or JSON');
}

function tellingOptions(command: Command): Command {
	return command.option('--servers <urls>', 'where the broker is, if not where its clients are told');
}
