/**
 * Owns the processes of steward, as users run them: broker, centre, nodes; and one client of the public library.
 * Promises that what is asked for is there when it is started, and that all of it is gone when it is stopped.
 * If this process dies, the kernel ends them; whoever started the measurement removes the folder.
 */

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '../../../dist/index.js';
import { openConnection } from '../../../dist/jetstream/connection.js';
import { patiently, startNats, startProgram, until } from '../servers.mjs';

const program = fileURLToPath(new URL('../../../dist/bin/steward.js', import.meta.url));
const eventsStream = 'STEWARD_EVENTS';

export class StewardFleet {
	#folder;
	#start;
	#shards;
	#open = [];
	#programs = new Map();
	#consumersAtFirst = 0;

	/**
	 * @param shards 1 as it comes; 16 is what steward's documentation asks for from a thousand nodes on.
	 * @param budget Room of all streams, where the usual is too little.
	 */
	static async start({ folder, tier, shards = 1, budget }) {
		const fleet = new StewardFleet();
		fleet.#folder = folder;
		fleet.#shards = shards;
		fleet.#start = await startOf(program);
		fleet.server = await startNats(folder, tier);
		fleet.#open.push(fleet.server);
		if (budget !== undefined) await fleet.#init(budget);
		await fleet.startCentre();
		await fleet.#connect();
		return fleet;
	}

	async #init(budget) {
		const file = await this.#configure('init', {});
		const words = ['init', '--shards', String(this.#shards), '--budget', budget, '--config', file];
		await promisify(execFile)(process.execPath, [program, ...words]);
	}

	async #connect() {
		const servers = this.server.url;
		this.client = await until('a client is let in', async () => {
			this.#programs.get('centre').assertRuns();
			return connect({ servers, name: 'bench' }).catch(() => undefined);
		});
		this.#open.push({ stop: () => this.client.close() });
		await until('the centre answers', () => this.client.totals().catch(() => undefined));
		this.connection = await openConnection({ servers: [servers], name: 'bench watch' });
		this.#open.push({ stop: () => this.connection.nc.close() });
		this.#consumersAtFirst = await this.#consumers();
	}

	/** A configuration and a data folder of its own. */
	async #configure(name, config) {
		const data = this.#dataOf(name);
		const file = join(this.#folder, `${name}.json`);
		await mkdir(data, { mode: 0o700, recursive: true });
		const whole = { servers: this.server.url, data, log: { level: 'warn' }, ...config };
		await writeFile(file, JSON.stringify(whole), { mode: 0o600 });
		return file;
	}

	#dataOf(name) {
		return join(this.#folder, `data-${name}`);
	}

	async #run(name, words, config) {
		const file = await this.#configure(name, config);
		const args = [...this.#start, program, ...words, '--config', file];
		const child = await startProgram('env', args, { cwd: this.#dataOf(name) });
		this.#programs.set(name, child);
		this.#open.push(child);
		return child;
	}

	startCentre() {
		return this.#run('centre', ['central', '--no-http', '--shards', String(this.#shards)], {});
	}

	stopCentre() {
		return this.#programs.get('centre').stop();
	}

	pidOf(name) {
		return this.#programs.get(name).pid;
	}

	/** @param section `node` of its configuration. @param also The rest of it. @returns Its data folder. */
	async startNode(name, section, also = {}) {
		const child = await this.#run(name, ['node', '--node', name], { node: section, ...also });
		await until(`${name} is there`, async () => {
			child.assertRuns();
			return (await this.client.node(name))?.presence === 'present';
		});
		return { data: join(this.#dataOf(name), 'nodes', name) };
	}

	/** Resident memory, megabytes: of `centre` or a node, now, and the most that it was. */
	memoryOf(name) {
		return memoryOf(this.#programs.get(name).pid);
	}

	brokerMemory() {
		return memoryOf(this.server.pid);
	}

	/** Messages on all commands streams. */
	async queued() {
		const infos = await this.#streams(this.#commandStreams());
		return infos.reduce((sum, { state }) => sum + state.messages, 0);
	}

	/** Consumers of lanes. */
	async laneConsumers() {
		return (await this.#consumers()) - this.#consumersAtFirst;
	}

	async #consumers() {
		const infos = await this.#streams([...this.#commandStreams(), eventsStream]);
		return infos.reduce((sum, { state }) => sum + state.consumer_count, 0);
	}

	#commandStreams() {
		return Array.from({ length: this.#shards }, (_, shard) => `STEWARD_COMMANDS_${shard}`);
	}

	#streams(names) {
		return Promise.all(names.map((name) => patiently(() => this.connection.jsm.streams.info(name))));
	}

	async stop() {
		for (const one of this.#open.reverse()) await one.stop();
	}
}

async function memoryOf(pid) {
	const text = await readFile(`/proc/${pid}/status`, 'utf8');
	const megabytes = (which) => {
		const kib = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
		if (kib === undefined) throw new Error(`the process ${pid} is gone`);
		return (Number(kib) * 1024) / 1e6;
	};
	return { now: megabytes('VmRSS'), most: megabytes('VmHWM') };
}

/** What the program's first line says to `env`, with the Node.js that measures. */
async function startOf(path) {
	const [first] = (await readFile(path, 'utf8')).split('\n', 1);
	const [, words] = first.split(' -S ');
	return words.split(' ').map((word) => (word === 'node' ? process.execPath : word));
}
