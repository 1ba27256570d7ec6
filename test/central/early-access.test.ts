import { expect, test } from 'vitest';
import { DocumentIndex } from '../../src/central/document-index.ts';
import { denialOfCommand, denialOfEvent } from '../../src/central/early-access.ts';
import type { DocumentKind, Published } from '../../src/domain/document.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import type { NodeRecord } from '../../src/domain/node-state.ts';
import { signDocument } from '../../src/security/document.ts';
import { newUserKey, signingKey } from '../../src/security/keys.ts';
import { nodeState } from '../client/setup.ts';

const [root, stranger] = [signingKey(newUserKey().seed), signingKey(newUserKey().seed)];

function publish(index: DocumentIndex, kind: DocumentKind, body: unknown, by = root): void {
	const document = signDocument({ v: 1, kind, version: 1, at: 0, body }, [by]);
	const published: Published = { v: 1, document, rotations: [], by: '', reason: '' };
	index.take({ kind, published });
}

function record(node: string, labels: Record<string, string>, trust: { version: number } | null): NodeRecord {
	return { v: 1, state: { ...nodeState(node, labels), trust, access: trust }, lastSeenAt: 0, conflict: null };
}

const nodes = new Map([
	['ship1', record('ship1', { area: 'north' }, { version: 1 })],
	['open', record('open', {}, null)],
]);
const tick: Envelope = {
	...{ v: 1, id: 'a', node: 'ship1', method: 'ping', lane: 'normal', data: null, sender: 'central' },
	...{ deliverWithinMs: null, schedule: { name: 's', tick: 0, version: 1 } },
};
const sent = (node: string): Envelope => ({ ...tick, node, sender: 'ship2', schedule: undefined });
const list = { roots: [root.publicKey], keys: [] };

test('without a trust list nothing is denied; without an access list ticks go and what nodes send does not', () => {
	const documents = new DocumentIndex([]);
	const index = { documents, nodes };
	expect(denialOfCommand(index, sent('ship1'))).toBeUndefined();
	publish(documents, 'trust', list);
	expect(denialOfCommand(index, tick)).toBeUndefined();
	expect(denialOfCommand(index, sent('ship1'))).toMatchObject({
		code: 'denied',
		details: { issuer: 'ship2' },
	});
	const event = { sender: 'ship2', method: 'textLogging', data: '' };
	expect(denialOfEvent(index, { ...event, node: 'ship1' })?.code).toBe('denied');
	expect(denialOfEvent(index, { ...event, node: 'central' })).toBeUndefined();
	// It goes by no list.
	expect(denialOfCommand(index, sent('open'))).toBeUndefined();
});

test('what depends on labels that nobody knows goes on to the node', () => {
	const documents = new DocumentIndex([]);
	const index = { documents, nodes };
	publish(documents, 'trust', list);
	publish(documents, 'access', { rules: [{ allow: '*', where: { area: 'south' } }] });
	expect(denialOfCommand(index, tick)?.code).toBe('denied');
	expect(denialOfCommand(index, { ...tick, node: 'unheard' })).toBeUndefined();
});

test('where roots are pinned on the centre’s machine, only what they signed counts there', () => {
	const documents = new DocumentIndex([root.publicKey]);
	publish(documents, 'trust', { ...list, roots: [stranger.publicKey] }, stranger);
	expect(documents.trust()).toBeUndefined();
	publish(documents, 'trust', list);
	expect(documents.trust()).toEqual(list);
	publish(documents, 'access', { rules: [] }, stranger);
	expect(documents.access()).toBeUndefined();
	publish(documents, 'access', { rules: [] });
	expect(denialOfCommand({ documents, nodes }, tick)?.code).toBe('denied');
	// It is brought to nodes in any case: they judge for themselves.
	expect(documents.published('access')?.document.version).toBe(1);
});
