/**
 * Owns the making of a node's method processes: the built-in methods in the node itself, each module of a user in child
 * processes that are kept up.
 * Promises that a module which breaks down harms no other process.
 * Has no state.
 */

import { basename, resolve } from 'node:path';
import { builtinMethods } from './methods/index.ts';
import type { LogFiles } from './methods/log-files.ts';
import type { NodeOptions } from './node-options.ts';
import { IsolatedProcess } from './processes/isolated-process.ts';
import type { MethodProcess } from './processes/method.ts';
import { InNodeProcess } from './processes/method-process.ts';
import { ModuleProcess } from './processes/module-process.ts';
import { ProcessKeeper } from './processes/process-keeper.ts';

export function makeProcesses(
	options: NodeOptions,
	files: LogFiles,
	onExhausted: (process: MethodProcess, error: Error) => void,
): MethodProcess[] {
	const { name: node, config, dataDir, cwd, env, runnerPath, clock, log } = options;
	const definitions = builtinMethods({ clock, cwd, env, files });
	const modules = config.node.modules.map((path) => {
		const name = `module ${basename(path)}`;
		const modulePath = resolve(cwd, path);
		const isolated = {
			...{ name, modulePath, node, dataDir, cwd, env, runnerPath, clock, log },
			memoryMb: config.node.moduleMemoryMb,
		};
		const process = new ModuleProcess({
			child: new IsolatedProcess(isolated),
			threads: new IsolatedProcess({ ...isolated, threads: config.node.workers }),
		});
		return new ProcessKeeper({ process, onExhausted, clock, log });
	});
	return [new InNodeProcess({ name: 'built-in methods', definitions, node, dataDir, log }), ...modules];
}
