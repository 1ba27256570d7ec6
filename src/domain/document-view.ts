/**
 * Owns the shapes of the JSON contract that are about signed documents: a version, what became of publishing one, what a list decides.
 * Promises that the types and the files under docs/schemas/ both come from here.
 * Pure.
 */

import { z } from 'zod';
import { documentKinds } from './document.ts';
import { roles } from './trust.ts';
import { time } from './view-time.ts';

const document = z.object({
	kind: z.enum(documentKinds),
	version: z.number().int().min(1),
	publishedAt: time,
	by: z.string(),
	reason: z.string(),
	signers: z.array(z.string()).describe('public keys of the roots that signed it'),
	body: z.record(z.string(), z.unknown()).describe('the list itself: roots and keys, or rules'),
});

const documentOutcome = z.object({
	outcome: z.enum(['published', 'unchanged']),
	document,
	nodes: z
		.object({
			have: z.array(z.string()),
			waiting: z.array(z.string()).describe('present, and without this version when the waiting was over'),
			absent: z.array(z.string()).describe('they get it when they are back'),
		})
		.nullable()
		.describe('null: nobody was asked, or no centre answered'),
});

const accessAnswer = z.object({
	allowed: z.boolean(),
	version: z
		.number()
		.int()
		.nullable()
		.describe('of the access list; null: of a file, or what is true without a list'),
	asker: z.object({ name: z.string(), role: z.enum(roles).nullable() }),
	rule: z
		.number()
		.int()
		.min(1)
		.nullable()
		.describe('that decides, counted from 1; null: none fits, so it is denied'),
	note: z.string().nullable(),
	steps: z.array(
		z.object({
			rule: z.number().int().min(1),
			note: z.string().nullable(),
			mismatch: z.string().nullable().describe('the first thing that does not fit; null: it decides'),
		}),
	),
});

export const documentViewSchemas = { document, documentOutcome, accessAnswer } as const;

export type DocumentView = z.infer<typeof document>;
export type DocumentOutcome = z.infer<typeof documentOutcome>;
export type AccessAnswer = z.infer<typeof accessAnswer>;
