/**
 * Owns what senders are told of their nodes: who is present, where they stand, what they have said of themselves.
 * Promises that it is asked for with each send, so that it is so now; only while hundreds a second are sent it may be a quarter of a second
 * old, which is how long a centre takes to notice that a queue is full. Then those who send do not wait for two answers one after the other.
 * Soft: what is forgotten is asked for again.
 */

import type { Clock } from '../base/clock.ts';
import { goodStanding } from '../domain/standing.ts';
import type { KnownNode, Nodes } from '../jetstream/nodes.ts';

const keptMs = 250;
/** Sends within {@link spanMs}: nobody comes to as many who waits for each before the next. */
const manyAtOnce = 64;
const spanMs = 100;
/** Then all are forgotten: to more nodes hardly anybody sends twice within that time. */
const mostNodes = 1000;

export type Known = (node: string) => KnownNode;

const nothingKnown: KnownNode = {
	presence: { status: 'unknown', since: null },
	record: () => undefined,
	standing: () => goodStanding,
};

/** Where nobody can be asked. */
export const nothingIsKnown: Known = () => nothingKnown;

export class KnownNodes {
	readonly #nodes: Pick<Nodes, 'knownOf'>;
	readonly #clock: Pick<Clock, 'monotonic'>;
	readonly #remembered = new Map<string, { readonly until: number; readonly known: KnownNode }>();
	#spanEnds = 0;
	#begun = 0;
	#begunBefore = 0;

	constructor(nodes: Pick<Nodes, 'knownOf'>, clock: Pick<Clock, 'monotonic'>) {
		this.#nodes = nodes;
		this.#clock = clock;
	}

	/** @throws StewardError `no-broker` */
	now(nodes: readonly string[]): Promise<Known> {
		return this.#nodes.knownOf(nodes);
	}

	/** As far as the broker says: what may wait for its node is sent whether or not anybody can say who is there. */
	async lately(nodes: readonly string[]): Promise<Known> {
		const areMany = this.#countSend();
		const remembered = areMany && this.#recall(nodes);
		if (remembered) return remembered;
		try {
			const known = await this.now(nodes);
			if (areMany) this.#remember(nodes, known);
			return known;
		} catch {
			return nothingIsKnown;
		}
	}

	/** Answers whether many are sent at once. */
	#countSend(): boolean {
		const now = this.#clock.monotonic();
		if (now >= this.#spanEnds) {
			this.#begunBefore = now < this.#spanEnds + spanMs ? this.#begun : 0;
			this.#begun = 0;
			this.#spanEnds = now + spanMs;
		}
		this.#begun += 1;
		return Math.max(this.#begun, this.#begunBefore) > manyAtOnce;
	}

	/** Undefined where any of them has to be asked about. */
	#recall(nodes: readonly string[]): Known | undefined {
		const now = this.#clock.monotonic();
		const recalled = new Map<string, KnownNode>();
		for (const node of nodes) {
			const remembered = this.#remembered.get(node);
			if (!remembered || remembered.until <= now) return undefined;
			recalled.set(node, remembered.known);
		}
		return (node) => recalled.get(node) ?? nothingKnown;
	}

	#remember(nodes: readonly string[], known: Known): void {
		if (this.#remembered.size + nodes.length > mostNodes) this.#remembered.clear();
		if (nodes.length > mostNodes) return;
		const until = this.#clock.monotonic() + keptMs;
		for (const node of nodes) this.#remembered.set(node, { until, known: known(node) });
	}
}
