/**
 * Owns `steward watch`: each change of a command and each node that comes or goes, in a line of its own.
 * Promises that it goes on through a loss of the broker, says since when that lasts, and that nothing which happened meanwhile is left out
 * but what changed again. Reads only; it ends with SIGINT or SIGTERM.
 */

import { formatDuration } from '../../base/duration.ts';
import { StewardError } from '../../base/errors.ts';
import { neutralise } from '../../base/text.ts';
import type { Fleet } from '../../client/fleet.ts';
import type { CommandView } from '../../domain/view.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { commandLine, nodeLine } from '../render/event.ts';
import { type ListFlags, listOptions } from './ask.ts';

export type WatchFlags = Omit<ListFlags, 'since' | 'limit'> & { readonly nodes?: boolean };

/** @param words What each line is to have in its handle, method or state. */
export async function watch(cli: Cli, words: readonly string[], flags: WatchFlags): Promise<number> {
	const { method, ...options } = listOptions(cli, flags);
	const ofCommands = method !== undefined || options.states !== undefined;
	if (flags.nodes && ofCommands) {
		throw new StewardError('usage', '--nodes tells of nodes only: leave --method and --state out');
	}
	const config = await brokerSettings(cli, flags);
	const over = new AbortController();
	const offSignal = cli.onSignal(() => over.abort());
	const isMeant = (...texts: readonly string[]) =>
		words.every((word) => texts.some((text) => text.includes(word)));
	try {
		return await withFleet(cli, config, async (fleet) => {
			const offLink = tellLink(cli, fleet, flags.json === true);
			const { signal } = over;
			const followCommands = async () => {
				for await (const view of fleet.watch({ ...options, signal })) {
					if (method !== undefined && view.method !== method) continue;
					if (isMeant(view.handle, view.method, view.state))
						await tellCommand(cli, view, flags.json === true);
				}
			};
			const followNodes = async () => {
				for await (const change of fleet.watchNodes({ ...options, signal })) {
					if (!isMeant(change.node, change.presence)) continue;
					const { stdout } = cli;
					if (flags.json) await stdout.flow(`${neutralise(JSON.stringify(change))}\n`);
					else stdout.line(nodeLine(change, stdout, timeOf(cli)));
				}
			};
			try {
				await Promise.all([
					...(flags.nodes ? [] : [followCommands()]),
					...(ofCommands ? [] : [followNodes()]),
				]);
				return exitCodes.done;
			} finally {
				over.abort();
				offLink();
			}
		});
	} finally {
		offSignal();
	}
}

async function tellCommand(cli: Cli, view: CommandView, asJson: boolean): Promise<void> {
	const { stdout, clock } = cli;
	if (asJson) await stdout.flow(`${neutralise(JSON.stringify(view))}\n`);
	else stdout.line(commandLine(view, stdout, clock.now(), timeOf(cli)));
}

/** `10:23:45`, in the user's zone. */
function timeOf({ clock, timeZone }: Cli): string {
	return new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone }).format(clock.now());
}

/** Says on stderr that the broker is lost, and for how long it was. */
function tellLink(cli: Cli, fleet: Fleet, asJson: boolean): () => void {
	const { stderr, clock } = cli;
	let lostAt: number | undefined;
	return fleet.onLink((isUp) => {
		if (asJson) return;
		if (!isUp) {
			lostAt ??= clock.monotonic();
			stderr.line(stderr.paint('yellow', `${timeOf(cli)}  the broker is lost: this goes on when it is back`));
		} else if (lostAt !== undefined) {
			const away = formatDuration(Math.round(clock.monotonic() - lostAt));
			lostAt = undefined;
			stderr.line(stderr.paint('yellow', `${timeOf(cli)}  the broker is back, after ${away}`));
		}
	});
}
