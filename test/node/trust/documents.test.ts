import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { DocumentKind, SignedDocument } from '../../../src/domain/document.ts';
import { Store } from '../../../src/node/store/store.ts';
import { TrustDocuments } from '../../../src/node/trust/documents.ts';
import { signDocument } from '../../../src/security/document.ts';
import { newUserKey, signingKey } from '../../../src/security/keys.ts';
import { tempDir } from '../../support/temp.ts';

const root = signingKey(newUserKey().seed);
const alice = { key: newUserKey().publicKey, name: 'alice', role: 'operator' } as const;

function document(kind: DocumentKind, version: number, body: unknown, by = root): SignedDocument {
	return signDocument({ v: 1, kind, version, at: 0, body }, [by]);
}
const trustList = (version: number) => document('trust', version, { roots: [root.publicKey], keys: [alice] });
const denyAll = document('access', 1, { rules: [{ deny: '*', note: 'nobody' }] });

async function open(dir: string, over: { roots?: readonly string[]; file?: string } = {}) {
	const store = new Store(join(dir, 'store'), systemClock);
	await store.start();
	let changes = 0;
	const documents = new TrustDocuments({
		...{ store, roots: [root.publicKey], file: undefined, log: silentLog, ...over },
		onChange: () => {
			changes += 1;
		},
	});
	await documents.start();
	return {
		documents,
		changes: () => changes,
		[Symbol.asyncDispose]: async () => {
			await documents.stop();
			await store.stop();
		},
	};
}

test('with pinned roots a node trusts nobody before its first list, and without any it trusts whoever comes', async () => {
	await using dir = await tempDir();
	{
		await using node = await open(dir.path, { roots: [] });
		expect(node.documents.trust()).toBeUndefined();
		expect(node.documents.access()).toBeUndefined();
		expect(node.documents.states()).toEqual({ trust: null, access: null });
		// Nobody could vouch for one.
		expect(await node.documents.take('trust', [trustList(1)])).toMatchObject({
			inEffect: 0,
			judgement: { verdict: 'refused', why: expect.stringContaining('no root key') },
		});
		expect(node.changes()).toBe(0);
	}
	await using node = await open(dir.path);
	expect(node.documents.trust()).toEqual({ roots: [root.publicKey], keys: [] });
	expect(node.documents.states()).toEqual({ trust: { version: 0 }, access: { version: 0 } });
});

test('what was accepted is kept over a restart, also where the roots are no more in the configuration', async () => {
	await using dir = await tempDir();
	{
		await using node = await open(dir.path);
		expect(await node.documents.take('trust', [trustList(3)])).toMatchObject({ inEffect: 3 });
		expect(await node.documents.take('access', [denyAll])).toMatchObject({ inEffect: 1 });
		expect(node.changes()).toBe(2);
	}
	await using node = await open(dir.path, { roots: [] });
	expect(node.documents.trust()?.keys).toEqual([alice]);
	expect(node.documents.states()).toEqual({ trust: { version: 3 }, access: { version: 1 } });
	const asked = {
		name: 'alice',
		role: 'operator',
		method: 'ping',
		node: 'ship1',
		labels: {},
		data: null,
	} as const;
	expect(node.documents.access()?.decide(asked)).toEqual({ allowed: false, rule: 1, note: 'nobody' });
	// Older ones change nothing; the answer says what counts.
	expect(await node.documents.take('trust', [trustList(2)])).toMatchObject({
		inEffect: 3,
		judgement: { verdict: 'older' },
	});
});

test('a list of another kind, of another root, or of a kind that was not asked for changes nothing', async () => {
	await using dir = await tempDir();
	await using node = await open(dir.path);
	const stranger = signingKey(newUserKey().seed);
	const theirs = document('trust', 1, { roots: [stranger.publicKey], keys: [] }, stranger);
	expect((await node.documents.take('trust', [theirs])).judgement.verdict).toBe('refused');
	expect((await node.documents.take('trust', [denyAll])).judgement.verdict).toBe('refused');
	expect(node.documents.states()).toEqual({ trust: { version: 0 }, access: { version: 0 } });
});

test('two that come at the same time end with the newer one, whatever their order', async () => {
	await using dir = await tempDir();
	await using node = await open(dir.path);
	const { documents } = node;
	await Promise.all([documents.take('trust', [trustList(2)]), documents.take('trust', [trustList(1)])]);
	expect(documents.states().trust).toEqual({ version: 2 });
});

test('what the enrolment left counts from the first start: a list to begin with, or signed documents', async () => {
	await using dir = await tempDir();
	const file = join(dir.path, 'trust.json');
	await writeFile(file, JSON.stringify({ roots: [root.publicKey], keys: [alice] }));
	{
		await using node = await open(dir.path, { roots: [], file });
		expect(node.documents.trust()?.keys).toEqual([alice]);
		expect(node.documents.states().trust).toEqual({ version: 0 });
		await node.documents.take('trust', [document('trust', 1, { roots: [root.publicKey], keys: [] })]);
	}
	{
		// The signed one counts from then on.
		await using node = await open(dir.path, { roots: [], file });
		expect(node.documents.trust()?.keys).toEqual([]);
	}
	await writeFile(file, JSON.stringify([trustList(4), denyAll]));
	{
		await using node = await open(dir.path, { file });
		expect(node.documents.states()).toEqual({ trust: { version: 4 }, access: { version: 1 } });
	}
	// A file that is of no use takes nothing away.
	await writeFile(file, '{');
	await using node = await open(dir.path, { file });
	expect(node.documents.states()).toEqual({ trust: { version: 4 }, access: { version: 1 } });
});

test('a list that was left and says nothing lets nobody in; where none was left, whoever comes is', async () => {
	await using dir = await tempDir();
	const file = join(dir.path, 'trust.json');
	{
		await using node = await open(dir.path, { roots: [], file });
		expect(node.documents.trust()).toBeUndefined();
	}
	// Cut in the middle, of another program, or signed where no root is known to have signed it.
	for (const text of ['{"roots": ["O', '{}', JSON.stringify([trustList(1)])]) {
		await writeFile(file, text);
		await using node = await open(dir.path, { roots: [], file });
		expect([text.slice(0, 5), node.documents.trust()]).toEqual([text.slice(0, 5), { roots: [], keys: [] }]);
	}
});
