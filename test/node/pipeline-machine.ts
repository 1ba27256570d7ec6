/**
 * Owns what stays of a node in the world of `pipeline-world.ts` when its process dies: its disk, its clock, its name.
 * Promises that a process which cannot write ends, and that one which is started on a disk that is full ends again.
 * A copy of a disk is a disk of its own.
 */

import { Disk } from './memory-store.ts';
import { NodeProcess } from './pipeline-process.ts';
import type { World } from './pipeline-world.ts';

export class Machine {
	readonly #world: World;
	readonly name: string;
	disk: Disk;
	process: NodeProcess | undefined;
	/** What it said will not start here any more. */
	readonly calledOff = new Set<string>();
	/** How far its wall clock is from that of the world, milliseconds. */
	clockOffsetMs = 0;

	constructor(world: World, name: string) {
		this.#world = world;
		this.name = name;
		this.disk = this.#newDisk();
		this.start();
	}

	start(): void {
		this.process ??= new NodeProcess(this.#world, this);
	}

	/** `kept`: how many of the transactions that were not flushed came through. */
	crash(kept: number): void {
		this.process?.die();
		this.process = undefined;
		this.disk.crash(kept);
	}

	wipe(): void {
		this.crash(0);
		this.disk = this.#newDisk();
		this.calledOff.clear();
		for (const told of this.#world.commands.values()) told.wipes += 1;
	}

	/** Somebody copies the store of another machine to this one, and starts it. */
	copyFrom({ disk }: Machine): void {
		this.wipe();
		this.disk.copy(disk);
		this.start();
	}

	/** Nothing can be written from now on, or again. */
	fill(isFull: boolean): void {
		this.disk.isFull = isFull;
		if (!isFull) this.start();
	}

	/** The wall clock is set to another time; the monotonic one goes on. */
	setClock(byMs: number): void {
		this.clockOffsetMs += byMs;
		this.process?.clock.jump(byMs);
	}

	#newDisk(): Disk {
		return new Disk((name, before, after) => this.#world.diskChanged(name, before, after));
	}
}
