import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHandle } from '../../src/domain/names.ts';
import { FleetChanges } from '../../src/http/live/fleet-changes.ts';
import { isWithin } from '../../src/http/live/position.ts';
import { connectionOfFile } from '../support/file-connection.ts';
import { HeardIndex, heardStep } from '../support/heard-index.ts';

const connection = connectionOfFile();

/** Of these no stream tells. Streams that are lost are other streams. */
const untold: readonly string[] = ['unscheduled', 'lost'];

/** What a reader would have on screen. */
function pictureOf({ index, rows }: HeardIndex) {
	const handles = new Set(index.ledger.keys());
	for (const ofNode of index.waiting.values())
		for (const one of ofNode.values()) handles.add(formatHandle(one));
	for (const one of index.later.commands()) handles.add(formatHandle(one));
	return {
		// What the ledger says is made anew for each who asks.
		commands: new Map([...handles].map((handle) => [handle, JSON.stringify(index.known(handle))])),
		labels: new Map(rows.names().map((node) => [node, index.nodes.get(node)?.state.labels.role])),
		nodes: new Map(rows.names().map((node) => [node, JSON.stringify(rows.row(node))])),
	};
}

test('whoever goes on from a position is told of every command and every node that is another than it was then', () => {
	fc.assert(
		fc.property(
			fc.array(heardStep, { maxLength: 40 }),
			fc.array(heardStep, { maxLength: 40 }),
			fc.integer({ min: 1, max: 3 }),
			(before, after, most) => {
				const heard = new HeardIndex(connection());
				for (const one of before) heard.do(one);
				const changes = new FleetChanges(heard.index, heard.rows, () => heard.now);
				const then = pictureOf(heard);
				const begunAt = heard.now;
				const [from, lives] = [changes.position(), changes.lives()];
				const told = after.filter(({ does }) => !untold.includes(does));
				for (const one of told) heard.do(one);
				heard.settle();
				const now = pictureOf(heard);
				expect(changes.lives()).toEqual(lives);
				// Also a server that has begun since; of what was taken out of the ledger it has never heard.
				const later = told.some(({ does }) => does === 'gone')
					? []
					: [new FleetChanges(heard.index, heard.rows, () => heard.now)];
				for (const one of [changes, ...later]) {
					const [commands, nodes] = [new Set<string>(), new Set<string>()];
					const [gone, relabelled] = [new Set<string>(), new Set<string>()];
					let isWhole = true;
					const target = one.position();
					for (let at = from, parts = 0; !isWithin(target, at) || parts === 0; parts++) {
						if (parts > 1000) throw new Error('it never arrives');
						const { told: entries, stored, nodes: some, through, ...more } = one.between(at, target, most);
						for (const handle of [...more.left.handles, ...entries]) gone.add(handle);
						for (const node of more.relabelled) relabelled.add(node);
						isWhole &&= more.left.isWhole;
						for (const handle of [...entries, ...stored]) commands.add(handle);
						for (const node of some) nodes.add(node);
						at = through;
					}
					for (const [handle, known] of now.commands) {
						if (known !== then.commands.get(handle)) expect(commands).toContain(handle);
					}
					for (const handle of then.commands.keys()) {
						// Two servers that begin in the same moment know of the same.
						const isKnown = isWhole && (one === changes || heard.now > begunAt);
						if (isKnown && !now.commands.has(handle)) expect(gone).toContain(handle);
					}
					if (one === changes) expect(isWhole).toBe(true);
					for (const [node, role] of now.labels) {
						if (role !== then.labels.get(node)) expect(relabelled).toContain(node);
					}
					for (const [node, row] of now.nodes) {
						if (row !== then.nodes.get(node)) expect(nodes).toContain(node);
					}
				}
			},
		),
		{ numRuns: 150 },
	);
});
