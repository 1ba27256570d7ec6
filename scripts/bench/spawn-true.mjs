/**
 * Owns one run of /bin/true by the runtime itself, with its outputs read as steward reads them.
 * Promises an error where it ends with anything but 0. Keeps nothing.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

export async function spawnTrue() {
	const child = spawn('/bin/true', [], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
	child.stdout.resume();
	child.stderr.resume();
	const [code] = await once(child, 'close');
	if (code !== 0) throw new Error(`/bin/true ended with ${code}`);
}
