/**
 * Owns the life of the long-running commands: start in order, run until a signal or a failure, stop in reverse.
 * Promises that a service which fails to start takes the others down in an orderly way, and that a second signal
 * ends the process at once. After a crash the next start finds everything where it was.
 */

import { messageOf } from '../../base/errors.ts';
import type { Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { serviceManager } from '../service-manager.ts';

/** A service that may give up while it runs. */
export type Running = {
	readonly service: Service;
	/** Calls back when its supervision gave up. */
	readonly onFailure: (listener: (error: Error) => void) => void;
};

/**
 * @param makers Called in order: a later service may need what an earlier one knows once it runs.
 * @param onReady Called when all of them run.
 * @throws what a service fails to start with, or the failure that it gave up with
 */
export async function runServices(
	cli: Cli,
	log: Log,
	makers: readonly (() => Running | Promise<Running>)[],
	onReady: () => void,
): Promise<number> {
	const started: Service[] = [];
	const manager = serviceManager({ env: cli.env, clock: cli.clock, log });
	let over = false;
	let settle: (why: { failure?: Error }) => void = () => undefined;
	const decided = new Promise<{ failure?: Error }>((resolve) => {
		settle = resolve;
	});
	const end = (why: { failure?: Error }) => {
		over = true;
		settle(why);
	};
	let signals = 0;
	const offSignal = cli.onSignal((signal) => {
		signals += 1;
		if (signals > 1) return cli.endAtOnce();
		log.info(`${signal}: stopping; once more ends the process at once`);
		end({});
	});
	try {
		const starting = startAll(
			makers,
			started,
			(failure) => end({ failure }),
			() => over,
		);
		await Promise.race([starting, decided]);
		if (!over) {
			onReady();
			manager.ready();
		}
		const { failure } = await decided;
		if (failure) throw failure;
		return exitCodes.done;
	} finally {
		const told = manager.stopping();
		for (const service of started.reverse()) await stopped(service, log);
		await told;
		offSignal();
	}
}

async function startAll(
	makers: readonly (() => Running | Promise<Running>)[],
	started: Service[],
	onFailure: (error: Error) => void,
	isOver: () => boolean,
): Promise<void> {
	for (const make of makers) {
		const { service, onFailure: subscribe } = await make();
		if (isOver()) return;
		started.push(service);
		subscribe(onFailure);
		await service.start();
	}
}

/** One that does not stop cleanly must not keep the others from stopping. */
async function stopped(service: Service, log: Log): Promise<void> {
	try {
		await service.stop();
	} catch (error) {
		log.error({ err: messageOf(error) }, `${service.name} did not stop cleanly`);
	}
}
