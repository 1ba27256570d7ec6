/**
 * Owns the part of `steward doctor` that looks at a folder of keys: rights, certificate, who is about to end, what is not told.
 * Promises to look at every file of it, and to read nothing into its findings that is secret.
 * Keeps nothing.
 */

import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { refuseOpenTo } from '../../base/secret-files.ts';
import { currentByName } from '../../domain/enrolled.ts';
import { fileNames, type KeyFolder, readKeyFolder } from '../../security/key-folder.ts';
import { behindRotation, isTold } from '../../security/rotation.ts';
import { accountsProblem } from '../../security/server-config.ts';
import { type Finding, spanFinding, warnBeforeMs } from '../render/finding.ts';

const check = 'keys';

export async function lookAtKeys(path: string, nowMs: number): Promise<Finding[]> {
	try {
		const rights = await lookAtRights(path);
		if (rights.length > 0) return rights;
		const folder = await readKeyFolder(path);
		return [
			{ check, level: 'ok', text: `${path} and all in it are its owner's alone` },
			...(await lookAtConfig(folder)),
			await lookAtCertificate(folder, nowMs),
			...lookAtEnds(folder, nowMs),
			...lookAtChanges(folder),
		];
	} catch (error) {
		return [{ check, level: 'problem', text: messageOf(error) }];
	}
}

/** What the server keeps for itself in there is not looked at: the folder around it is closed. */
async function lookAtRights(path: string): Promise<Finding[]> {
	const inside = await Promise.all(
		[path, join(path, 'server')].map(async (folder) => {
			const entries = await readdir(folder, { withFileTypes: true });
			return entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
		}),
	);
	const all = [
		...[path, join(path, 'server')].map((one) => ({ one, kind: 'folder' as const })),
		...inside.flat().map((one) => ({ one, kind: 'file' as const })),
	];
	const findings = await Promise.all(
		all.map(async ({ one, kind }): Promise<Finding[]> => {
			try {
				await refuseOpenTo(one, kind);
				return [];
			} catch (error) {
				return [{ check, level: 'problem', text: messageOf(error) }];
			}
		}),
	);
	return findings.flat();
}

async function lookAtConfig({ path }: KeyFolder): Promise<Finding[]> {
	const file = join(path, fileNames.config);
	const problem = accountsProblem(await readFile(file, 'utf8'));
	if (problem === undefined) return [];
	const next = 'put it back as steward init --secure made it';
	return [{ check, level: 'problem', text: `${file}: ${problem}`, next }];
}

async function lookAtCertificate({ path }: KeyFolder, nowMs: number): Promise<Finding> {
	const { validFrom, validTo } = new X509Certificate(await readFile(join(path, fileNames.certificate)));
	const span = { from: Date.parse(validFrom), until: Date.parse(validTo) };
	const next = 'steward rotate --tls, then restart the broker';
	return spanFinding(check, "the server's certificate", span, { nowMs, next });
}

function lookAtEnds({ enrolled }: KeyFolder, nowMs: number): Finding[] {
	const current = [...currentByName(enrolled).values()];
	const ended = current.filter(({ expires }) => expires !== undefined && expires <= nowMs);
	const soon = current.filter(
		({ expires }) => expires !== undefined && expires > nowMs && expires - nowMs < warnBeforeMs,
	);
	const next = 'steward enrol --renew NAME, and join again there; or steward revoke NAME';
	const findings: Finding[] = [];
	const names = (list: typeof current) => list.map(({ name }) => name).join(', ');
	if (ended.length > 0) findings.push({ check, level: 'warning', text: `expired: ${names(ended)}`, next });
	if (soon.length > 0)
		findings.push({ check, level: 'warning', text: `expires within 30 days: ${names(soon)}`, next });
	return findings;
}

function lookAtChanges(folder: KeyFolder): Finding[] {
	const findings: Finding[] = [];
	const behind = behindRotation(folder, folder.enrolled);
	if (folder.keys.signing.node.length > 1) {
		const who =
			behind.length === 0
				? 'everyone was renewed; when all have joined with that, and steward up was started again, end it'
				: `still to renew: ${behind.join(', ')}`;
		findings.push({
			check,
			level: 'ok',
			text: `a rotation is under way; ${who}`,
			next: 'steward rotate --finish',
		});
	}
	if (isTold(folder)) return findings;
	const text = 'the broker does not know yet who was revoked, or which signing keys count';
	return [...findings, { check, level: 'problem', text, next: 'steward keys push' }];
}
