import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/base/package.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp.ts';

// Runs the README's tour word for word: each "$ " line of its console blocks in bash, in a home of its own, and compares
// what is printed with what stands below it. Only what cannot be the same twice (times, ids, places in a queue) is masked.

type Step =
	| { readonly kind: 'service' | 'console' | 'eventually'; readonly commands: readonly Command[] }
	| { readonly kind: 'kill broker' }
	| { readonly kind: 'stop ship' };
type Command = { readonly line: string; readonly output: string };

function readTour(readme: string): Step[] {
	const tour = readme.slice(readme.indexOf('## A five-minute tour'), readme.indexOf('## What it promises'));
	const steps: Step[] = [];
	for (const match of tour.matchAll(
		/```console ?(service|eventually)?\n([\s\S]*?)```|(\*\*4\. Kill the broker|\*\*8\. Change your mind)/g,
	)) {
		if (match[3]) {
			if (match[3].includes('broker')) steps.push({ kind: 'kill broker' });
			else steps.push({ kind: 'stop ship' });
			continue;
		}
		const commands = (match[2] ?? '')
			.split(/^\$ /m)
			.slice(1)
			.map((text) => {
				const end = text.indexOf('\n');
				return { line: text.slice(0, end), output: text.slice(end + 1) };
			});
		steps.push({ kind: (match[1] ?? 'console') as 'service' | 'console' | 'eventually', commands });
	}
	return steps;
}

function mask(text: string): string {
	return (
		text
			.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
			.replace(/\b\w{3} \w{3} +\d+ [\d:]+ (AM |PM )?\w+ \d{4}\b/g, '<date>')
			.replace(/(?<=\.)[A-Za-z0-9_-]{26}(?![A-Za-z0-9_-])/g, '<id>')
			.replace(/\b(\d+(ms|s|m|h|d) ?)+ago\b|\bjust now\b|\bnow\b/g, '<ago>')
			.replace(/\b(\d+(ms|s|m|h|d))( \d+(ms|s|m|h|d))*\b/g, '<duration>')
			// What the node has taken already has no place in its queue.
			.replace(/\bposition \d+, /g, '')
			.replace(/\b\d+ bytes/g, '<n> bytes')
			.replace(/[ \t]+/g, ' ')
			.replace(/ +$/gm, '')
			.trim()
	);
}

function start(line: string, env: NodeJS.ProcessEnv): { child: ChildProcess; output: () => string } {
	const child = spawn('bash', ['-c', line], {
		cwd: packageRoot,
		env,
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let output = '';
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('utf8').on('data', (text: string) => {
			output += text;
		});
	return { child, output: () => output };
}

async function run(line: string, env: NodeJS.ProcessEnv): Promise<string> {
	const { child, output } = start(`{ ${line}\n} 2>&1`, env);
	await once(child, 'close');
	return output();
}

test('the README tour prints what the README says', async () => {
	await using home = await tempDir('steward-tour-');
	const port = await freePort();
	await mkdir(join(home.path, '.config/steward'), { recursive: true });
	await writeFile(
		join(home.path, '.config/steward/config.yaml'),
		`servers: nats://127.0.0.1:${port}\nbroker: { port: ${port} }\n`,
	);
	const {
		XDG_DATA_HOME: _d,
		XDG_CONFIG_HOME: _c,
		STEWARD_DATA: _s,
		STEWARD_SERVERS: _t,
		...inherited
	} = process.env;
	const env = {
		...inherited,
		HOME: home.path,
		LC_ALL: 'C',
		npm_config_update_notifier: 'false',
		npm_config_loglevel: 'error',
	};
	const services: ChildProcess[] = [];
	const steps = readTour(await readFile(join(packageRoot, 'README.md'), 'utf8'));
	expect(steps.filter(({ kind }) => kind === 'console').length).toBeGreaterThan(5);
	try {
		for (const step of steps) {
			if (step.kind === 'kill broker') {
				await killBroker(join(home.path, '.local/share/steward/broker/server.json'));
				continue;
			}
			if (step.kind === 'stop ship') {
				const ship = services.pop();
				if (ship) await end(ship);
				continue;
			}
			for (const { line, output } of step.commands) {
				if (step.kind === 'service') {
					const service = start(line, env);
					services.push(service.child);
					await eventually(() => service.output().includes(output.trim()), {
						message: `"${line}" said: ${service.output()}`,
					});
				} else if (step.kind === 'eventually') {
					await eventually(
						async () => {
							expect(mask(await run(line, env))).toBe(mask(output));
							return true;
						},
						{ timeoutMs: 60_000, everyMs: 200 },
					);
				} else {
					expect(`$ ${line}\n${mask(await run(line, env))}`).toBe(`$ ${line}\n${mask(output)}`);
				}
			}
		}
	} finally {
		for (const child of services.reverse()) await end(child);
	}
});

async function killBroker(stateFile: string): Promise<void> {
	const pid = async () => (JSON.parse(await readFile(stateFile, 'utf8')) as { pid: number }).pid;
	const before = await pid();
	process.kill(before, 'SIGKILL');
	await eventually(async () => (await pid()) !== before);
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.pid === undefined) return;
	const closed = once(child, 'close');
	process.kill(-child.pid, 'SIGTERM');
	await closed;
}
