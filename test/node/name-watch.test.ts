import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { subjects } from '../../src/domain/subject.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { headersToPublish } from '../../src/jetstream/headers.ts';
import { NameWatch } from '../../src/node/name-watch.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';

test('a node is alone when it hears its own beats, and no other for long enough; a lost link begins anew', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	const link = new Link({ servers: [proxy.url], name: 'ship1', clock: systemClock, log: silentLog });
	await link.start();
	const shift = { ms: 0 };
	const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + shift.ms };
	const others: string[] = [];
	const onOther = (machine: string) => others.push(machine);
	const watch = new NameWatch({ node: 'ship1', boot: 'one', link, beatEveryMs: 15_000, onOther, clock });
	await watch.start();
	await eventually(() => link.connection);
	const beat = async (boot: string, leaving = false) => {
		const text = JSON.stringify({ machine: 'm', boot, leaving });
		link.connection?.nc.publish(subjects.beat('ship1'), text);
		await link.connection?.nc.flush();
	};
	/** Own beats for this long, as often as a node says them. */
	const goOn = async (ms: number) => {
		for (let passed = 0; passed < ms; passed += 15_000) {
			shift.ms += 15_000;
			await beat('one');
		}
	};
	shift.ms += 600_000;
	expect(watch.isAlone).toBe(false);
	await beat('one');
	await goOn(105_000);
	expect(watch.isAlone).toBe(false);
	await goOn(15_000);
	expect(watch.isAlone).toBe(true);
	// What another ship can have sent here, by the reply of a question of its own, is no beat.
	const forged = JSON.stringify({ machine: 'm', boot: 'two', leaving: false });
	link.connection?.nc.publish(subjects.beat('ship1'), forged, { headers: headersToPublish({ a: 'b' }) });
	link.connection?.nc.publish(subjects.beat('ship1'), forged, { reply: '$JS.ACK.a.b.1.1.1.1.0' });
	await link.connection?.nc.flush();
	expect(watch.isAlone).toBe(true);
	expect(others).toEqual([]);
	await beat('two');
	await beat('two');
	expect(watch.isAlone).toBe(false);
	// Once, for as long as it goes on.
	expect(others).toEqual(['m']);
	await goOn(120_000);
	await beat('two', true);
	expect(watch.isAlone).toBe(true);
	expect(others).toEqual(['m']);
	await beat('two');
	expect(others).toEqual(['m', 'm']);
	await goOn(120_000);
	watch.otherSeen();
	expect(watch.isAlone).toBe(false);
	await goOn(120_000);
	expect(watch.isAlone).toBe(true);
	// Stopped for long: what was said meanwhile is not read yet.
	shift.ms += 300_000;
	expect(watch.isAlone).toBe(false);
	await beat('one');
	expect(watch.isAlone).toBe(false);
	await goOn(120_000);
	proxy.cut();
	await eventually(() => link.connection === undefined);
	expect(watch.isAlone).toBe(false);
	proxy.heal();
	await eventually(() => link.connection);
	await beat('one');
	expect(watch.isAlone).toBe(false);
	await goOn(120_000);
	expect(watch.isAlone).toBe(true);
	await stressLifecycle(() => watch);
	await link.stop();
});
