/**
 * Owns how a figure becomes a metric: it is read when somebody asks for the metrics, and at no other time.
 * Promises a registry of its own, nothing global, and that a label value which is gone is not told any more.
 * Keeps what was read last, until it is read again.
 */

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };
/** A number where there are no labels; undefined where nothing is known. */
type Read = () => number | undefined | Iterable<Sample>;

type Family = {
	readonly name: string;
	readonly type: 'gauge' | 'counter' | 'histogram';
	readonly labels: readonly string[];
	readonly help: string;
};

export class Readings {
	readonly #registry = new Registry();
	readonly #families: Family[] = [];

	/** What is told, in its order. */
	get families(): readonly Family[] {
		return this.#families;
	}

	/** What goes up and down. */
	gauge(name: string, help: string, labelNames: readonly string[], read: Read): void {
		const gauge: Gauge = new Gauge({
			...this.#described('gauge', name, help, labelNames),
			collect: () => {
				gauge.reset();
				// Of one without labels reset says 0, which would be a figure.
				if (labelNames.length === 0) gauge.remove();
				for (const { labels = {}, value } of samplesOf(read())) gauge.set(labels, value);
			},
		});
	}

	/** What somebody else counts; its name ends in `_total`. */
	total(name: string, help: string, labelNames: readonly string[], read: Read): void {
		const counter: Counter = new Counter({
			...this.#described('counter', name, help, labelNames),
			collect: () => {
				counter.reset();
				if (labelNames.length === 0) counter.remove();
				for (const { labels = {}, value } of samplesOf(read())) counter.inc(labels, value);
			},
		});
	}

	/** What is counted here. */
	counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
		return new Counter(this.#described('counter', name, help, labelNames));
	}

	histogram<Label extends string>(
		name: string,
		help: string,
		labelNames: readonly Label[],
		buckets: readonly number[],
	): Histogram<Label> {
		return new Histogram({ ...this.#described('histogram', name, help, labelNames), buckets: [...buckets] });
	}

	/** Prometheus' text form. */
	text(): Promise<string> {
		return this.#registry.metrics();
	}

	get contentType(): string {
		return this.#registry.contentType;
	}

	#described<Label extends string>(
		type: Family['type'],
		name: string,
		help: string,
		labelNames: readonly Label[],
	): { name: string; help: string; labelNames: readonly Label[]; registers: Registry[] } {
		this.#families.push({ name, type, labels: labelNames, help });
		return { name, help, labelNames, registers: [this.#registry] };
	}
}

function samplesOf(read: ReturnType<Read>): Iterable<Sample> {
	if (read === undefined) return [];
	return typeof read === 'number' ? [{ value: read }] : read;
}
