/**
 * Owns reading Prometheus' text form in tests.
 * Promises each sample once, under its name and labels as they were written; a line that is no sample fails the test.
 * Keeps nothing.
 */

export type Samples = ReadonlyMap<string, number>;

/** `name{label="value"}` to value. */
export function samplesIn(text: string): Samples {
	const samples = new Map<string, number>();
	for (const line of text.split('\n')) {
		if (line === '' || line.startsWith('#')) continue;
		const [, key, value] = /^(\S+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
		if (key === undefined || samples.has(key)) throw new Error(`no sample, or told twice: ${line}`);
		samples.set(key, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value));
	}
	return samples;
}
