/**
 * Owns how backups and restores are shown to people.
 * Promises one line a stream, and that numbers which are not exact are not told as if they were.
 * Pure.
 */

import { counted } from '../../base/text.ts';
import type { Progress } from '../../client/backup.ts';
import type { BackupManifest, Restored } from '../../domain/keeping-view-schema.ts';
import { count } from './output.ts';
import type { Screen } from './screen.ts';
import { bytesText } from './stream.ts';
import { table } from './table.ts';

export function progressText({ stream, at, of, bytes }: Progress): string {
	return `${String(at).padStart(String(of).length)}/${of}  ${stream}${bytes > 0 ? `  ${bytesText(bytes)}` : ''}`;
}

export function backupText({ streams, steward, schema, endedAt }: BackupManifest, screen: Screen): string {
	const rows = table(
		streams,
		[
			{ title: 'STREAM', cell: ({ name }) => name },
			{
				title: 'MESSAGES',
				cell: ({ before, after, quiet }) =>
					quiet ? count(before.messages) : `${count(before.messages)} to ${count(after.messages)}`,
				align: 'right',
			},
			{ title: 'UP TO', cell: ({ after }) => String(after.lastSeq), align: 'right' },
			{ title: 'FILE', cell: ({ fileBytes }) => bytesText(fileBytes), align: 'right' },
		],
		screen,
	);
	const bytes = streams.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
	return `${rows}\n${counted(streams.length, 'stream')}, ${bytesText(bytes)}, of ${endedAt} (steward ${steward}, schema ${schema})`;
}

export function restoredText({ streams, replaced }: Restored, screen: Screen): string {
	const rows = table(
		streams,
		[
			{ title: 'STREAM', cell: ({ name }) => name },
			{ title: 'MESSAGES', cell: ({ messages }) => count(messages), align: 'right' },
			{ title: 'UP TO', cell: ({ lastSeq }) => String(lastSeq), align: 'right' },
			{ title: 'TOO OLD', cell: ({ aged }) => (aged === 0 ? '' : count(aged)), align: 'right' },
		],
		screen,
	);
	const instead = replaced.length === 0 ? '' : `, in the place of ${replaced.length} that were there`;
	return `${rows}\nrestored: ${counted(streams.length, 'stream')}${instead}; they hold what the backup says`;
}
