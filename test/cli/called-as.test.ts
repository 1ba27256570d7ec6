import { expect, test } from 'vitest';
import { calledAs } from '../../src/cli/called-as.ts';

test.each([
	['steward', ['nats://127.0.0.1:4222'], 'steward'],
	['npx steward', ['nats://127.0.0.1:4222'], 'npx steward'],
	['steward', ['nats://127.0.0.1:5222'], 'STEWARD_SERVERS=nats://127.0.0.1:5222 steward'],
	['steward', ['nats://a:1', 'nats://[::1]:2'], 'STEWARD_SERVERS=nats://a:1,nats://[::1]:2 steward'],
	['steward', ['nats://ada:secret@hub:4222'], 'steward'],
	['steward', ['nats://$(reboot):1'], 'steward'],
])('%s on %j is called %j', (program, servers, line) => {
	expect(calledAs(program, servers)).toBe(line);
});
