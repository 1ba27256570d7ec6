/**
 * Owns a node's life: its folder, its start, its stop, and its end when it cannot go on.
 * Promises a clean stop: no more pulls, running methods end until the grace is over, what never started is handed back.
 * A crash leaves journal and outbox, and the next start goes on from them.
 */

import { messageOf, StewardError, systemCodeOf } from '../base/errors.ts';
import { makeFolder } from '../base/files.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { NodeFigures } from './figures.ts';
import type { NodeOptions } from './node-options.ts';
import { buildTree, type NodeTree } from './node-tree.ts';

export type { NodeOptions } from './node-options.ts';

export class Node implements Service {
	readonly name: string;
	readonly #options: NodeOptions;
	readonly #listeners: ((error: Error) => void)[] = [];
	readonly #lifecycle: Lifecycle;
	#tree: NodeTree | undefined;
	#hasFailed = false;
	#isUp = false;

	constructor(options: NodeOptions) {
		this.name = `node ${options.name}`;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			() => this.#begin(),
			() => this.#end(),
		);
	}

	/** @throws StewardError `already-running`, `storage`, `invalid` */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Called once when supervision gave up, the store failed, or our own code is broken: the node must end. */
	onFailure(listener: (error: Error) => void): void {
		this.#listeners.push(listener);
	}

	/** What its operators watch; undefined while it does not run. */
	async figures(): Promise<NodeFigures | undefined> {
		// Parts that are still to start have nothing to say.
		return this.#isUp ? this.#tree?.figures() : undefined;
	}

	async #begin(): Promise<void> {
		const { dataDir } = this.#options;
		this.#hasFailed = false;
		try {
			await makeFolder(dataDir);
			this.#tree = buildTree(this.#options, {
				onShutdown: (error) => this.#fail(error),
				isStopping: () => !this.#lifecycle.running,
			});
			await this.#tree.supervisor.start();
			this.#isUp = true;
		} catch (error) {
			throw diskError(dataDir, error) ?? error;
		}
	}

	async #end(): Promise<void> {
		const { clock, config } = this.#options;
		const tree = this.#tree;
		this.#tree = undefined;
		this.#isUp = false;
		if (!tree) return;
		const cancel = clock.after(config.node.shutdownGraceMs, () => tree.graceOver.abort());
		tree.halt();
		await tree.supervisor.stop();
		cancel();
	}

	/** Nothing more is taken: what is not acknowledged is delivered again, to the next process of the node. */
	#fail(error: unknown): void {
		if (this.#hasFailed) return;
		this.#hasFailed = true;
		const failure = error instanceof Error ? error : new Error(messageOf(error));
		this.#options.log.error(
			{ err: failure.message },
			'the node must end; what is unfinished is delivered again',
		);
		this.#tree?.halt();
		for (const listener of this.#listeners) listener(failure);
	}
}

const diskCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO'];

/** Any part may be the first to meet a disk that does not take what it writes. */
function diskError(dataDir: string, error: unknown): StewardError | undefined {
	if (!diskCodes.includes(systemCodeOf(error))) return undefined;
	return new StewardError(
		'storage',
		`the node's folder ${dataDir} cannot be written (${messageOf(error)}): is the disk full or read-only?`,
		{ cause: error },
	);
}
