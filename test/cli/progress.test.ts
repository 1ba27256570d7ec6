import { expect, test } from 'vitest';
import { countsText, Progress } from '../../src/cli/render/progress.ts';
import { manualClock } from '../support/clock.ts';
import { keptScreen } from '../support/screen.ts';

const total = 500;

test('a terminal has one line, redrawn at most ten times a second and gone at the end', async () => {
	const clock = manualClock();
	const screen = keptScreen({ columns: 100 });
	const progress = new Progress({ screen, clock, label: 'waiting', total, quiet: false });
	for (let done = 0; done <= 100; done++) {
		progress.at(
			done,
			countsText([
				['running', 3],
				['succeeded', done],
			]),
		);
		await clock.advance(50);
	}
	const drawn = screen.text.split('\r\u001b[2K').slice(1);
	expect(drawn.length).toBeGreaterThan(40);
	expect(drawn.length).toBeLessThan(60);
	expect(drawn.at(-1)).toBe('waiting: 100 of 500, 3 running, 100 succeeded, 20/s, about 20s left');
	progress.end();
	expect(screen.text.endsWith('\r\u001b[2K')).toBe(true);
	expect(clock.pending).toBe(0);
	expect(screen.text).not.toContain('\n');
	progress.at(101);
	await clock.advance(60_000);
	expect(screen.text.split('\r\u001b[2K').length).toBe(drawn.length + 2);
});

test('what came last is on the line, also when it came within a redraw', async () => {
	const clock = manualClock();
	const screen = keptScreen({ columns: 100 });
	const progress = new Progress({ screen, clock, label: 'sending', total, quiet: false });
	progress.at(1);
	progress.at(2);
	await clock.advance(1100);
	expect(screen.text.split('\r\u001b[2K').at(-1)).toBe('sending: 2 of 500');
	progress.end();
});

test('where nobody looks it is a line every ten seconds, and none of what is quick', async () => {
	const clock = manualClock();
	const screen = keptScreen();
	const quick = new Progress({ screen, clock, label: 'sending', total, quiet: false });
	quick.at(499);
	await clock.advance(9000);
	quick.end();
	await clock.advance(9000);
	expect(screen.text).toBe('');
	const slow = new Progress({ screen, clock, label: 'sending', total, quiet: false });
	for (let second = 1; second <= 25; second++) {
		await clock.advance(1000);
		slow.at(second * 2);
	}
	slow.end();
	expect(screen.text.trimEnd().split('\n')).toEqual([
		'sending: 18 of 500, 1.8/s, about 4m 28s left',
		'sending: 38 of 500, 1.9/s, about 4m 3s left',
	]);
});

test('the rate is that of the last half minute', async () => {
	const clock = manualClock();
	const progress = new Progress({ screen: keptScreen(), clock, label: 'waiting', total, quiet: false });
	progress.at(400);
	for (let second = 0; second < 60; second++) {
		await clock.advance(1000);
		progress.at(400 + second);
	}
	expect(progress.text()).toBe('waiting: 459 of 500, 1.0/s, about 41s left');
	progress.end();
});

test('quiet says nothing at all', async () => {
	const clock = manualClock();
	for (const screen of [keptScreen(), keptScreen({ columns: 80 })]) {
		const progress = new Progress({ screen, clock, label: 'waiting', total, quiet: true });
		progress.at(1);
		await clock.advance(60_000);
		progress.end();
		expect(screen.text).toBe('');
	}
});
