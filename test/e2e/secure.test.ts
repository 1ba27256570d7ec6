import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { readCredentials } from '../../src/security/credentials.ts';
import { runCli, startCli } from '../support/cli.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp.ts';

test('from enrolment to the first command, and out again, as the README tells it', async () => {
	await using things = disposables();
	const { path } = things.use(await tempDir('steward-e2e-'));
	/** Two machines: the broker's with its operator, and a ship. */
	const at = async (machine: string) => {
		const cwd = join(path, machine);
		await mkdir(cwd);
		const options = { cwd, env: { HOME: cwd } };
		return {
			cwd,
			steward: (...args: string[]) => runCli(args, options),
			start: (...args: string[]) => things.use(startCli(args, options)),
		};
	};
	const [hub, ship] = [await at('hub'), await at('ship')];
	const port = String(await freePort());
	const made = await hub.steward('init', '--secure', '--host', '127.0.0.1', '--port', port);
	expect(made).toMatchObject({ code: 0 });
	expect(await hub.steward('enrol', 'alice', '--role', 'operator')).toMatchObject({ code: 0 });
	expect(await hub.steward('join', 'alice.steward')).toMatchObject({ code: 0 });
	const up = hub.start('up', '--http', '0');
	await up.printed('Try next');
	expect(up.stdout()).toContain(`tls://127.0.0.1:${port}`);
	expect(up.stdout()).not.toContain('without accounts');
	expect(await hub.steward('enrol', 'ship1', '--labels', 'role=tug')).toMatchObject({ code: 0 });
	await writeFile(join(ship.cwd, 'ship1.steward'), await readFile(join(hub.cwd, 'ship1.steward')), {
		mode: 0o600,
	});
	const send = (...args: string[]) =>
		hub.steward('send', 'ship1', 'shellCommand', '--wait', '--timeout', '60s', '--', ...args);

	const here = ['central', 'shellCommand', '--wait', '--timeout', '60s', '--', 'echo', 'here'];
	expect(await hub.steward('send', ...here)).toMatchObject({ code: 0, stdout: 'here\n' });
	// What is as it was asked for is nothing to be warned of.
	expect(up.stderr()).not.toMatch(/"level":"(warn|error)"/);

	// The dashboard's API: nobody without a token, and what is sent through it is signed.
	const [, dashboard] = /dashboard +(\S+)/.exec(up.stdout()) ?? [];
	const minted = await hub.steward('tokens', 'add', 'alice', '--role', 'operator');
	const post = (headers: Record<string, string>) =>
		fetch(`${dashboard}/api/v1/commands`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...headers },
			body: JSON.stringify({ toNode: 'central', kind: 'command', method: 'ping', id: 'by-http', data: 1 }),
		});
	expect((await post({})).status).toBe(401);
	expect((await post({ authorization: `Bearer ${minted.stdout.trim()}` })).status).toBe(201);
	expect(await hub.steward('wait', 'central.by-http', '--timeout', '60s')).toMatchObject({ code: 0 });
	// What alice signs the centre fires: the folder of keys says that she may.
	const tick = ['schedules', 'add', 'tick', 'central', 'ping', '--every', '1s'];
	expect(await hub.steward(...tick)).toMatchObject({ code: 0 });
	await eventually(
		async () => JSON.parse((await hub.steward('list', '--method', 'ping', '--json')).stdout).length > 0,
		{ message: 'the schedule did not fire' },
	);
	expect(JSON.parse((await hub.steward('schedules', '--json')).stdout)).toMatchObject([{ problem: null }]);
	const keys = join(hub.cwd, '.local/share/steward/keys');
	const insider = await openConnection({
		...{ servers: [`tls://127.0.0.1:${port}`], name: 'insider', tls: { ca: join(keys, 'ca.crt') } },
		credentials: await readCredentials(join(keys, 'centre.creds')),
	});
	things.use({ [Symbol.asyncDispose]: () => closeConnection(insider, systemClock) });
	const last = { last_by_subj: '$KV.steward-schedules.tick' };
	const stored = (await insider.jsm.streams.getMessage('KV_steward-schedules', last))?.string() ?? '';
	const { signed: _, ...record } = JSON.parse(stored.replaceAll('tick', 'forged'));
	await insider.js.publish('$KV.steward-schedules.forged', JSON.stringify(record));
	await eventually(
		async () => (await hub.steward('schedules', '--json')).stdout.includes('nobody has signed it'),
		{ message: 'the centre believed what nobody signed' },
	);
	// Over HTTP as well: what nobody vouches for is neither run nor resumed there.
	const act = async (name: string) => {
		const headers = { 'content-type': 'application/json', authorization: `Bearer ${minted.stdout.trim()}` };
		return (await fetch(`${dashboard}/api/v1/schedules/${name}/run`, { method: 'POST', headers, body: '{}' }))
			.status;
	};
	expect([await act('tick'), await act('forged')]).toEqual([201, 409]);
	expect(await hub.steward('schedules', 'rm', 'tick', 'forged')).toMatchObject({ code: 0 });

	// It waits for a ship that was never there.
	const sent = send('echo', 'hello');
	expect(await ship.steward('join', 'ship1.steward')).toMatchObject({ code: 0 });
	const node = ship.start('node');
	expect(await sent).toMatchObject({ code: 0, stdout: 'hello\n' });
	const listed = JSON.parse((await hub.steward('nodes', '--json')).stdout);
	expect(listed).toMatchObject([{ node: 'central' }, { node: 'ship1', labels: { role: 'tug' } }]);

	// Whoever has no credentials is nobody.
	const nobody = [
		'nodes',
		'--servers',
		`tls://127.0.0.1:${port}`,
		'--tls-ca',
		join(hub.cwd, '.config/steward/alice.ca.crt'),
	];
	expect(await runCli(nobody, { cwd: path })).toMatchObject({ code: 10 });
	expect(await hub.steward('doctor')).toMatchObject({ code: 0, stdout: expect.stringContaining('TLSv1.3') });
	expect(await ship.steward('doctor')).toMatchObject({
		code: 0,
		stdout: expect.stringContaining('lets this program in'),
	});

	// What takes one ship out does not hold up the others: a broker that is told of the whole hub forgets waiting pulls.
	expect(await hub.steward('enrol', 'ship2')).toMatchObject({ code: 0 });
	expect(await hub.steward('revoke', 'ship2')).toMatchObject({ code: 0 });
	const soon = ['ship1', 'shellCommand', '--wait', '--timeout', '20s', '--', 'true'];
	expect(await hub.steward('send', ...soon)).toMatchObject({ code: 0 });

	expect(await hub.steward('revoke', 'ship1')).toMatchObject({ code: 0, stderr: '' });
	await eventually(() => node.stderr().includes('refuses the credentials'), {
		message: 'the ship was not cut off',
	});
	expect(await ship.steward('doctor')).toMatchObject({
		code: 1,
		stdout: expect.stringMatching(/problem +broker/),
	});
	expect(await hub.steward('doctor')).toMatchObject({ code: 0 });
	expect(await node.stop()).toBe(0);
	expect(await up.stop()).toBe(0);
});

test('without accounts up says so, and listens on loopback only', async () => {
	await using dir = await tempDir('steward-e2e-');
	await writeFile(join(dir.path, 'open.yaml'), 'broker: { host: 0.0.0.0, port: 0 }\n');
	const env = { HOME: dir.path };
	const refused = await runCli(['up'], { env: { ...env, STEWARD_CONFIG: join(dir.path, 'open.yaml') } });
	expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('init --secure') });
	const missing = await runCli(['up', '--keys', join(dir.path, 'none')], { env });
	expect(missing).toMatchObject({ code: 4, stderr: expect.stringContaining('init --secure') });
	await using up = startCli(['up', '--port', '0'], { env });
	await up.printed('Try next');
	expect(up.stdout()).toContain('without accounts');
	expect(up.stdout()).toMatch(/broker +nats:\/\/127\.0\.0\.1:/);
});
