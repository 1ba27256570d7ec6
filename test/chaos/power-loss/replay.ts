/**
 * Owns the way from a trace to a disk: each call of the system that touched the folder, applied to the model in order.
 * Promises the disk as the calls up to a place of the trace left it; what it cannot follow is told, never guessed.
 * Pure. A call counts when it had its answer; a flush covers what had its answer when the flush was asked for.
 */

import { relative, resolve } from 'node:path';
import { Disk, type Flushing, type Inode } from './disk.ts';
import { type Call, descriptorOf, type Step, type Trace, textsOf } from './trace.ts';

/** How a file was opened, by descriptor: the last one that was opened for this folder. */
type Opened = { readonly flags: string; offset: number };

type Replay = {
	readonly disk: Disk;
	readonly folder: string;
	readonly opened: Map<number, Opened>;
	readonly flushing: Map<Call, Flushing>;
};

/** The disk at `place`. `before` makes the disk that the trace began with; memory maps of `mayMap` may be written (locks). */
export function replay(
	trace: Trace,
	place: number,
	{
		folder,
		before = () => new Disk(),
		mayMap = /$^/,
	}: { folder: string; before?: () => Disk; mayMap?: RegExp },
): Disk {
	const state: Replay = { disk: before(), folder, opened: new Map(), flushing: new Map() };
	for (const step of trace.steps.slice(0, place)) if (step) apply(state, step, mayMap);
	return state.disk;
}

function apply(state: Replay, { call, phase }: Step, mayMap: RegExp): void {
	if (phase !== 'answered') ask(state, call);
	if (phase !== 'asked' && call.result >= 0) answer(state, call, mayMap);
}

function ask(state: Replay, call: Call): void {
	if (call.name !== 'fsync' && call.name !== 'fdatasync') return;
	const inode = fileOf(state, call);
	if (inode) state.flushing.set(call, state.disk.flushing(inode, call.name === 'fdatasync'));
}

function answer(state: Replay, call: Call, mayMap: RegExp): void {
	const { disk } = state;
	switch (call.name) {
		case 'fsync':
		case 'fdatasync': {
			const flushing = state.flushing.get(call);
			if (flushing) disk.flushed(flushing);
			return;
		}
		case 'open':
		case 'openat':
		case 'creat':
			return open(state, call);
		case 'write':
		case 'writev':
		case 'pwrite64':
			return write(state, call);
		case 'lseek': {
			const opened = state.opened.get(descriptorOf(call.args).fd);
			if (opened && fileOf(state, call)) opened.offset = call.result;
			return;
		}
		case 'ftruncate': {
			const inode = fileOf(state, call);
			if (inode) disk.truncate(inode, lastNumber(call));
			return;
		}
		case 'mkdir':
		case 'mkdirat': {
			const [at] = namesOf(state, call);
			if (at) disk.create(at.folder, at.name, true);
			return;
		}
		case 'link':
		case 'linkat': {
			const [from, to] = namesOf(state, call);
			const file = from && disk.find(from.path);
			// Sockets are bound, not opened: a power loss takes them anyway.
			if (file && to) disk.link(file, to.folder, to.name);
			return;
		}
		case 'rmdir':
		case 'unlink':
		case 'unlinkat': {
			const [at] = namesOf(state, call);
			if (at) disk.remove(at.folder, at.name);
			return;
		}
		case 'rename':
		case 'renameat':
		case 'renameat2': {
			const [from, to] = namesOf(state, call);
			if (from && to) disk.rename(from.folder, from.name, to.folder, to.name);
			else if (from || to) disk.unmodelled.push(`across the folder's border: ${told(call)}`);
			return;
		}
		case 'mmap': {
			const isWritten = call.args.includes('PROT_WRITE') && call.args.includes('MAP_SHARED');
			const target = call.args.split(', ')[4] ?? '';
			const { target: path } = descriptorOf(target);
			if (isWritten && inside(state, path) !== undefined && !mayMap.test(path))
				disk.unmodelled.push(told(call));
			return;
		}
		case 'read':
		case 'close':
			return;
		default:
			if (touches(state, call)) disk.unmodelled.push(told(call));
	}
}

function open(state: Replay, call: Call): void {
	const [at] = namesOf(state, call);
	const flags = call.name === 'creat' ? 'O_WRONLY|O_CREAT|O_TRUNC' : call.args;
	if (!at || flags.includes('O_DIRECTORY')) return;
	const { disk, opened } = state;
	const inode = disk.find(at.path);
	if (!inode && flags.includes('O_CREAT')) disk.create(at.folder, at.name, false);
	else if (!inode) disk.unmodelled.push(`opened without having been made: ${told(call)}`);
	else if (flags.includes('O_TRUNC') && inode.size > 0) disk.truncate(inode, 0);
	opened.set(call.result, { flags, offset: 0 });
}

function write(state: Replay, call: Call): void {
	const inode = fileOf(state, call);
	if (!inode) return;
	const opened = state.opened.get(descriptorOf(call.args).fd);
	if (!opened) return void state.disk.unmodelled.push(`nobody opened it: ${told(call)}`);
	const data = Buffer.concat(textsOf(call.args)).subarray(0, call.result);
	if (data.length !== call.result) throw new Error(`the trace holds ${data.length} bytes of ${told(call)}`);
	const isSafe = /O_D?SYNC/.test(opened.flags);
	if (call.name === 'pwrite64') return state.disk.write(inode, lastNumber(call), data, isSafe);
	const at = opened.flags.includes('O_APPEND') ? inode.size : opened.offset;
	opened.offset = at + data.length;
	state.disk.write(inode, at, data, isSafe);
}

/** The file of this folder that the call's descriptor stands for, unless it was removed. */
function fileOf(state: Replay, call: Call): Inode | undefined {
	const { target, isDeleted } = descriptorOf(call.args);
	const path = inside(state, target);
	if (path === undefined || isDeleted) return undefined;
	const inode = state.disk.find(path);
	if (!inode) state.disk.unmodelled.push(`not there: ${told(call)}`);
	return inode;
}

/** Names of this folder among the call's paths, each in its place; undefined for what is elsewhere. */
function namesOf(
	state: Replay,
	call: Call,
): ({ folder: Inode; name: string; path: readonly string[] } | undefined)[] {
	const texts = textsOf(call.args).map((text) => text.toString());
	const bases = [...call.args.matchAll(/(?:AT_FDCWD|\d+)<[^>]*>/g)].map(
		([text]) => descriptorOf(text).target,
	);
	return texts.map((text, index) => {
		const path = inside(state, resolve(bases[index] ?? '/', text));
		const folder = path && path.length > 0 ? state.disk.find(path.slice(0, -1)) : undefined;
		const name = path?.at(-1);
		return folder && name !== undefined && path ? { folder, name, path } : undefined;
	});
}

function touches(state: Replay, call: Call): boolean {
	return inside(state, descriptorOf(call.args).target) !== undefined || namesOf(state, call).some(Boolean);
}

/** The path below the folder; undefined for what is elsewhere. */
function inside({ folder }: Replay, path: string): string[] | undefined {
	if (!path.startsWith('/')) return undefined;
	const below = relative(folder, path);
	if (below === '') return [];
	return below.startsWith('..') ? undefined : below.split('/');
}

function lastNumber(call: Call): number {
	return Number(call.args.slice(call.args.lastIndexOf(',') + 1));
}

function told({ name, args }: Call): string {
	const [path = ''] = textsOf(args).map(String);
	return `${name} ${descriptorOf(args).target} ${path.slice(0, 80)}`;
}
