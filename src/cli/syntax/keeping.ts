/**
 * Owns the words of the commands that keep what a broker holds: backup, restore.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { BackupFlags, RestoreFlags } from '../commands/keeping.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addKeeping(program: Command, cli: Cli, done: Done): void {
	const keeping = () => import('../commands/keeping.ts');
	const backup = program
		.command('backup')
		.summary('copy all streams and buckets into a folder, or check such a copy')
		.description('Copies all streams and buckets into a new folder, also while a fleet is at work.');
	jsonOption(brokerOptions(backup.command('make <folder>', { isDefault: true })))
		.description('Copies all streams and buckets into a new folder (what steward backup does by itself).')
		.addHelpText('after', examples('steward backup /var/backups/steward/2026-11-22'))
		.action(async (folder: string, flags: BackupFlags) =>
			done(await (await keeping()).backup(cli, folder, flags)),
		);
	jsonOption(backup.command('verify <folder>'))
		.description('Checks every file of a backup against its manifest. Needs no broker.')
		.action(async (folder: string, flags: BackupFlags) =>
			done(await (await keeping()).verify(cli, folder, flags)),
		);
	jsonOption(brokerOptions(program.command('restore <folder>')))
		.summary('put a backup into a broker')
		.description(
			'Puts a backup into a broker whose streams are empty. It is checked first; a centre and nodes may be at work meanwhile.',
		)
		.option('--replace', 'throw away what the broker holds')
		.option('--replicas <count>', 'servers that hold each stream: 1, 3 or 5 (what the backup says)')
		.addHelpText(
			'after',
			examples('steward restore /var/backups/steward/2026-11-22', 'steward restore backup --replicas 1'),
		)
		.action(async (folder: string, flags: RestoreFlags) =>
			done(await (await keeping()).restore(cli, folder, flags)),
		);
}
