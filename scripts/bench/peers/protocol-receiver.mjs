/**
 * Owns the receiving end of events in the messages alone: what is handed over together is one append and one note, each flushed, and then
 * acknowledged. Promises that order. Ends with the process that started it.
 */

import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { streams, subjects } from '../../../dist/domain/subject.js';
import { openConnection } from '../../../dist/jetstream/connection.js';
import { grouped } from './grouped.mjs';
import { flushed, pullWhile } from './protocol-node.mjs';

const name = 'central-events';
const slots = 64;
const { url, log, folder } = JSON.parse(process.argv[2]);
const connection = await openConnection({ servers: [url], name: 'bench central' });
await connection.jsm.consumers.add(streams.events, {
	...{ durable_name: name, filter_subject: subjects.eventsOfNode('central') },
	...{ ack_policy: 'explicit', max_ack_pending: 256, max_deliver: -1 },
});
const file = await openFile(log, 'a', 0o600);
const seen = open({ path: join(folder, 'seen'), encoding: 'string', eventTurnBatching: false });
const note = flushed(seen);
let taken = 0;
const append = grouped(async (texts) => {
	await file.appendFile(texts.join(''));
	await file.datasync();
});

pullWhile({ connection, stream: streams.events, name }, slots, async ({ data, ack }) => {
	await append(`${JSON.parse(new TextDecoder().decode(data)).join('\n')}\n`);
	await note({ key: `ship1.${taken++}`, text: 'done' });
	ack();
});
console.log('ready');
