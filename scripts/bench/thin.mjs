/**
 * Owns the measure of bytes on a thin link: between a node and its broker, for one command, and for an hour without any.
 * Promises that both directions are counted where they pass, and that a command is counted to its end: until nothing more passes.
 * A work ends with its process; nothing is kept.
 */

import { until } from './servers.mjs';
import { startWire } from './wire.mjs';

const node = 'ship1';
/** Prints 100 bytes. */
const shell = { kind: 'command', method: 'shellCommand', toNode: node, data: ['printf', '%0100d', '0'] };
const waiting = 20;
const quietMs = 1000;
const withinMs = 120_000;
const hourMs = 3_600_000;
const directions = ['up', 'down'];

export async function thinLink(peer, { thinCommands, thinIdleMs }) {
	const { fleet } = peer;
	const wire = await startWire(Number(new URL(fleet.server.url).port));
	await fleet.startNode(node, {}, { servers: wire.url });
	const one = () => settled(fleet.client, [shell]);
	for (let n = 0; n < 3; n++) await one();
	const each = [];
	for (let n = 0; n < thinCommands; n++) each.push(await passed(wire, one));
	const medians = medianOf(each);
	const batch = await waitingBatch(fleet.client, wire);
	await quiet(wire);
	const idle = await passed(wire, () => rest(thinIdleMs), false);
	const hour = idle.map(({ bytes, ...what }) => ({ ...what, bytes: (bytes * hourMs) / thinIdleMs }));
	tell('one command', medians);
	tell(`one of ${waiting} that waited`, batch);
	tell('an idle hour', hour);
	return {
		...figures('one command', medians),
		...figures(`one of ${waiting}`, batch),
		...figures('idle hour', hour),
	};
}

async function settled(client, forms) {
	const receipts = await Promise.all(forms.map((form) => client.send(form)));
	const views = await client.wait(
		receipts.flat().map(({ handle }) => handle),
		{ timeoutMs: withinMs },
	);
	for (const { state, handle } of views) if (state !== 'succeeded') throw new Error(`${handle} is ${state}`);
}

/** What those that waited cost more than an empty queue does, when the node goes on; each. */
async function waitingBatch(client, wire) {
	const goOn = async (count) => {
		await client.pause(node, { waitMs: withinMs });
		const receipts = await Promise.all(Array.from({ length: count }, () => client.send(shell)));
		await quiet(wire);
		return passed(wire, async () => {
			const { state } = await client.resume(node, { waitMs: withinMs });
			if (state !== 'succeeded') throw new Error(`${node} does not go on: ${state}`);
			if (count > 0)
				await client.wait(
					receipts.flat().map(({ handle }) => handle),
					{ timeoutMs: withinMs },
				);
		});
	};
	const without = await goOn(0);
	const all = await goOn(waiting);
	const before = (of) => without.find((one) => one.direction === of.direction && one.purpose === of.purpose);
	return all.map((of) => ({ ...of, bytes: (of.bytes - (before(of)?.bytes ?? 0)) / waiting }));
}

/** Bytes by direction and purpose while `work` goes on, and, with `toEnd`, until nothing passes any more. */
async function passed(wire, work, toEnd = true) {
	const before = wire.counts();
	await work();
	if (toEnd) await quiet(wire);
	const after = wire.counts();
	return directions.flatMap((direction) =>
		[...after[direction]].map(([purpose, bytes]) => ({
			...{ direction, purpose, bytes: bytes - (before[direction].get(purpose) ?? 0) },
		})),
	);
}

const total = (counts) =>
	directions.flatMap((direction) => [...counts[direction].values()]).reduce((a, b) => a + b, 0);

async function quiet(wire) {
	let [last, since] = [total(wire.counts()), performance.now()];
	const isQuiet = () => {
		const now = total(wire.counts());
		if (now !== last) [last, since] = [now, performance.now()];
		return performance.now() - since > quietMs;
	};
	await until('nothing passes', isQuiet, withinMs);
}

function medianOf(each) {
	return each[0].map(({ direction, purpose }) => {
		const bytes = each
			.map((one) => one.find((of) => of.direction === direction && of.purpose === purpose)?.bytes ?? 0)
			.toSorted((a, b) => a - b);
		return { direction, purpose, bytes: bytes[bytes.length >> 1] };
	});
}

function figures(name, parts) {
	return Object.fromEntries(
		[
			['from the node', 'up'],
			['to the node', 'down'],
		].map(([words, direction]) => [
			`${name}, ${words}`,
			parts.filter((part) => part.direction === direction).reduce((sum, { bytes }) => sum + bytes, 0),
		]),
	);
}

function tell(title, parts) {
	const lines = parts
		.filter(({ bytes }) => Math.round(bytes) !== 0)
		.map(
			({ direction, purpose, bytes }) => `  ${direction.padEnd(5)}${purpose.padEnd(20)}${Math.round(bytes)}`,
		);
	process.stderr.write(`${title}, bytes:\n${lines.join('\n')}\n`);
}

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
