/**
 * Owns what strace wrote: which thread asked the system for what, when it asked, and when it had its answer.
 * Promises the order in which strace stopped the threads: whatever a thread did after an answer comes after it here, and
 * what it did before a question comes before it. A question without an answer (the power went) has no result.
 */

/** A call of the system. Texts and paths are hexadecimal in `args`, so that nothing in them looks like syntax. */
export type Call = {
	readonly name: string;
	readonly thread: number;
	/** The place in the trace, counted in lines, where the thread asked. */
	readonly asked: number;
	/** Where it had the answer; undefined where it never had one. */
	answered: number | undefined;
	args: string;
	/** -1 for an error. */
	result: number;
};

export type Trace = {
	/** Questions and answers as they came; `place` is the index. Undefined for lines that are neither. */
	readonly steps: readonly (Step | undefined)[];
	/** When each step was, microseconds since the epoch. */
	readonly times: readonly number[];
};
export type Step = { readonly call: Call; readonly phase: 'asked' | 'answered' | 'both' };

const unfinished = ' <unfinished ...>';

export function parseTrace(text: string): Trace {
	const steps: (Step | undefined)[] = [];
	const times: number[] = [];
	const open = new Map<number, Call>();
	for (const line of text.split('\n')) {
		const [, threadText = '', seconds = '', micros = '', rest = ''] =
			/^(\d+) +(\d+)\.(\d{6}) (.*)$/.exec(line) ?? [];
		if (rest === '') continue;
		const place = steps.length;
		const thread = Number(threadText);
		times.push(Number(seconds) * 1e6 + Number(micros));
		steps.push(stepOf(rest, thread, place, open));
	}
	return { steps, times };
}

function stepOf(rest: string, thread: number, place: number, open: Map<number, Call>): Step | undefined {
	if (rest.startsWith('+++') || rest.startsWith('---')) return undefined;
	if (rest.startsWith('<... ')) {
		const call = open.get(thread);
		if (!call) throw new Error(`an answer to nothing: ${rest.slice(0, 100)}`);
		open.delete(thread);
		complete(call, call.args + rest.slice(rest.indexOf('resumed>') + 8), place);
		return { call, phase: 'answered' };
	}
	const name = rest.slice(0, rest.indexOf('('));
	const call: Call = { name, thread, asked: place, answered: undefined, args: '', result: -1 };
	if (rest.endsWith(unfinished)) {
		call.args = rest.slice(name.length + 1, -unfinished.length);
		open.set(thread, call);
		return { call, phase: 'asked' };
	}
	complete(call, rest.slice(name.length + 1), place);
	return { call, phase: 'both' };
}

/** `args) = result …`; the result is `?` where the thread ended in the call. */
function complete(call: Call, text: string, place: number): void {
	const end = text.lastIndexOf(') = ') >= 0 ? text.lastIndexOf(') = ') : text.search(/\) += /);
	const result = Number.parseInt(/^\) += (-?\d+)/.exec(text.slice(end))?.[1] ?? '-1', 10);
	call.args = text.slice(0, end);
	call.answered = place;
	call.result = result;
}

/** All texts among the arguments, in order: paths, or what is written. */
export function textsOf(args: string): Buffer[] {
	return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => fromHex(hex));
}

/** The descriptor that an argument begins with, and what it stands for: a path, or `TCP:[a->b]`. */
export function descriptorOf(args: string): { fd: number; target: string; isDeleted: boolean } {
	const [, fd = '-1', target = '', deleted] =
		/^(AT_FDCWD|\d+)(?:<((?:->|[^>])*)>(\(deleted\))?)?/.exec(args) ?? [];
	const plain = target.startsWith('\\x') ? fromHex(target).toString() : target;
	return { fd: fd === 'AT_FDCWD' ? -1 : Number(fd), target: plain, isDeleted: deleted !== undefined };
}

function fromHex(hex: string): Buffer {
	return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}

/** The last place that was reached by this time: all that came until then has happened. */
export function placeAt(trace: Trace, micros: number): number {
	let [low, high] = [0, trace.times.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((trace.times[middle] ?? 0) <= micros) low = middle + 1;
		else high = middle;
	}
	return low;
}
