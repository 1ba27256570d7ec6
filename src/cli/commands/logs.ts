/**
 * Owns `steward logs`: all output of one command, or each piece of it as a line of JSON.
 * Promises bounded memory: whoever reads slowly is waited for.
 * Reads only; whoever interrupts it loses nothing.
 */

import { neutralise } from '../../base/text.ts';
import { logView } from '../../client/log-view.ts';
import { parseHandle } from '../../domain/names.ts';
import { outputStreams } from '../../domain/output.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { LogPrinter } from '../render/log.ts';

export type LogsFlags = BrokerFlags &
	JsonFlag & {
		readonly follow?: boolean;
		readonly stdout?: boolean;
		readonly stderr?: boolean;
		readonly raw?: boolean;
	};

export async function logs(cli: Cli, handle: string, flags: LogsFlags): Promise<number> {
	parseHandle(handle);
	const asked = outputStreams.filter((stream) => flags[stream]);
	const streams = asked.length > 0 ? asked : outputStreams;
	const config = await brokerSettings(cli, flags);
	const { stdout, stderr, program } = cli;
	const printer = new LogPrinter({ stdout, stderr, program, handle, raw: flags.raw === true });
	return withFleet(cli, config, async (fleet) => {
		for await (const piece of fleet.logs(handle, { follow: flags.follow, streams })) {
			if (flags.json) await stdout.flow(`${neutralise(JSON.stringify(logView(handle, piece)))}\n`);
			else await printer.print(piece);
		}
		return exitCodes.done;
	});
}
