import { expect, test } from 'vitest';
import { DueQueue } from '../../src/central/due-queue.ts';
import { LaterIndex } from '../../src/central/later-index.ts';
import type { StoredCommand } from '../../src/jetstream/stored-command.ts';

function waiting(seq: number, notBefore: number, node = 'ship1'): StoredCommand {
	const address = { node, lane: 'normal', method: 'm', id: `c${seq}`, shard: 0 } as const;
	const facts = { ...address, sender: 's', digest: 'd', seq, queuedAt: 0, deliverWithinMs: null };
	return { ...address, nonce: '', facts: { ...facts, notBefore, accepted: { at: 0, seq } } };
}

test('hands over what is due in the order of time, equals as they came, however they were put in', () => {
	const queue = new DueQueue<string>();
	const all = Array.from({ length: 2000 }, (_, seq) => ({ at: (seq * 7919) % 300, seq }));
	const inOrder = [...all].sort((a, b) => a.at - b.at || a.seq - b.seq).map(({ at, seq }) => `${at} ${seq}`);
	const put = all.map((_, n) => all[(n * 1201) % all.length]).flatMap((one) => one ?? []);
	const taken: string[] = [];
	const takeUntil = (now: number) => {
		for (let one = queue.take(now); one !== undefined; one = queue.take(now)) taken.push(one);
	};
	for (const { at, seq } of put) queue.add(at, seq, `${at} ${seq}`);
	takeUntil(-1);
	expect(taken).toEqual([]);
	takeUntil(100);
	expect(taken).toEqual(inOrder.filter((text) => Number(text.split(' ')[0]) <= 100));
	takeUntil(300);
	expect(taken).toEqual(inOrder);
	expect(queue.size).toBe(0);
});

test('what is taken is due again until it is heard that it was queued, and what was called off never', () => {
	const index = new LaterIndex();
	const [a, b, c] = [waiting(1, 10), waiting(2, 20), waiting(3, 99, 'ship2')];
	for (const command of [c, b, a]) index.add(command);
	expect(index.takeDue(5, 9)).toEqual([]);
	expect(index.takeDue(30, 1)).toEqual([a]);
	expect(index.takeDue(30, 9)).toEqual([b]);
	expect(index.takeDue(30, 9)).toEqual([]);
	index.noteQueued(b);
	expect(index.leftovers(9)).toEqual([b]);
	expect(index.takeDue(5000, 9)).toEqual([c, a]);
	index.remove(a);
	expect(index.takeDue(50_000, 9)).toEqual([c]);
	expect([index.size, [...index.nodes()]]).toEqual([1, ['ship2']]);
	index.noteDropped(b);
	expect(index.leftovers(9)).toEqual([]);
	index.forgetWhere((node) => node === 'ship2');
	expect([index.size, index.commands().length]).toEqual([0, 0]);
});

test('an id that is used again waits for its new time, and what is called off again and again takes no room', () => {
	const index = new LaterIndex();
	index.add(waiting(1, 10));
	const again = { ...waiting(2, 500), id: 'c1' };
	index.add(again);
	expect(index.takeDue(100, 9)).toEqual([]);
	for (let seq = 10; seq < 50_000; seq++) {
		const command = waiting(seq, 1e12);
		index.add(command);
		index.remove(command);
	}
	expect(index.size).toBe(1);
	expect(index.queued).toBeLessThan(20_000);
	expect(index.takeDue(500, 9)).toEqual([again]);
});
