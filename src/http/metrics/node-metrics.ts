/**
 * Owns the metrics of one node: what it owes, runs and has room for, in Prometheus' form.
 * Promises that nobody is asked but the node itself, and that a node which has no link is told as fully as any.
 * Keeps what was read last, for the length of one answer.
 */

import type { NodeFigures } from '../../node/figures.ts';
import { addProcessReadings } from './process-readings.ts';
import { Readings } from './readings.ts';

export class NodeMetrics {
	readonly #readings = new Readings();
	readonly #read: () => Promise<NodeFigures | undefined>;
	readonly #offProcess: () => void;
	#figures: NodeFigures | undefined;

	/** `read`: undefined while the node does not run. */
	constructor(read: () => Promise<NodeFigures | undefined>) {
		this.#read = read;
		this.#addState();
		this.#addStores();
		this.#addCounts();
		this.#offProcess = addProcessReadings(this.#readings);
	}

	/** What is told. */
	get families(): Readings['families'] {
		return this.#readings.families;
	}

	get contentType(): string {
		return this.#readings.contentType;
	}

	async text(): Promise<string> {
		this.#figures = await this.#read();
		return this.#readings.text();
	}

	end(): void {
		this.#offProcess();
	}

	#addState(): void {
		const readings = this.#readings;
		readings.gauge(
			...(['steward_node_info', 'Which node this is, and its release.', ['node', 'version']] as const),
			() => this.#each(({ node, version }) => [{ labels: { node, version }, value: 1 }]),
		);
		readings.gauge('steward_node_link_up', '1 while the broker can be reached.', [], () =>
			this.#one(({ isLinkUp }) => (isLinkUp ? 1 : 0)),
		);
		readings.gauge(
			'steward_node_clock_offset_seconds',
			"The broker's clock less the node's; left out while there is no reading that holds.",
			[],
			() => this.#one(({ clockOffsetMs }) => (clockOffsetMs === null ? undefined : clockOffsetMs / 1000)),
		);
		readings.gauge('steward_node_lane_running', 'Deliveries that a lane has in its hands.', ['lane'], () =>
			this.#each(({ lanes }) => lanes.map(({ lane, running }) => ({ labels: { lane }, value: running }))),
		);
		readings.gauge('steward_node_lane_capacity', 'Slots of a lane.', ['lane'], () =>
			this.#each(({ lanes }) => lanes.map(({ lane, capacity }) => ({ labels: { lane }, value: capacity }))),
		);
		readings.gauge('steward_node_lane_ready', '1 while a lane takes what comes.', ['lane'], () =>
			this.#each(({ lanes }) =>
				lanes.map(({ lane, status }) => ({ labels: { lane }, value: status === 'ready' ? 1 : 0 })),
			),
		);
	}

	#addStores(): void {
		const readings = this.#readings;
		readings.gauge(
			...(['steward_node_outbox_messages', 'Messages that the broker has not confirmed.', []] as const),
			() => this.#one(({ outbox }) => outbox.messages),
		);
		const kinds = ['sent', 'reported'] as const;
		readings.gauge(
			'steward_node_outbox_bytes',
			'What the outbox holds: sent by programs of this machine, or reported by the node itself.',
			['kind'],
			() =>
				this.#each(({ outbox }) =>
					kinds.map((kind) => ({ labels: { kind }, value: outbox[`${kind}Bytes`] })),
				),
		);
		readings.gauge('steward_node_outbox_limit_bytes', 'What it may hold of each.', ['kind'], () =>
			this.#each(({ outbox: { bounds } }) => [
				{ labels: { kind: 'sent' }, value: bounds.maxBytes },
				{ labels: { kind: 'reported' }, value: bounds.maxReportBytes },
			]),
		);
		readings.gauge('steward_node_journal_entries', 'Commands that its journal remembers.', [], () =>
			this.#one(({ journalEntries }) => journalEntries),
		);
		readings.gauge(
			'steward_node_store_bytes',
			"Size of the store's file: journal, outbox, schedules.",
			[],
			() => this.#one(({ storeBytes }) => storeBytes ?? undefined),
		);
		readings.gauge('steward_node_spool_bytes', 'Output that is still to be sent.', [], () =>
			this.#one(({ spool }) => spool.bytes),
		);
		readings.gauge('steward_node_spool_limit_bytes', 'Output beyond this is cut, and marked.', [], () =>
			this.#one(({ spool }) => spool.maxBytes),
		);
	}

	#addCounts(): void {
		const readings = this.#readings;
		readings.total('steward_node_starts_total', 'Starts of commands, each attempt.', ['method'], () =>
			this.#each(({ starts }) => starts.map(({ method, count }) => ({ labels: { method }, value: count }))),
		);
		readings.total('steward_node_outcomes_total', 'Commands that ended here.', ['method', 'outcome'], () =>
			this.#each(({ outcomes }) =>
				outcomes.map(({ method, outcome, count }) => ({ labels: { method, outcome }, value: count })),
			),
		);
		readings.total(
			...(['steward_node_process_breakdowns_total', 'Breakdowns of a module.', ['process']] as const),
			() =>
				this.#each(({ processes }) =>
					processes.map((one) => ({ labels: { process: one.name }, value: one.breakdowns })),
				),
		);
		readings.gauge(
			'steward_node_process_down',
			'1 where a module broke down too often, and is not started again by itself.',
			['process'],
			() =>
				this.#each(({ processes }) =>
					processes.map(({ name, isDown }) => ({ labels: { process: name }, value: isDown ? 1 : 0 })),
				),
		);
	}

	#one(of: (figures: NodeFigures) => number | undefined): number | undefined {
		return this.#figures && of(this.#figures);
	}

	#each<T>(of: (figures: NodeFigures) => readonly T[]): readonly T[] {
		return this.#figures ? of(this.#figures) : [];
	}
}
