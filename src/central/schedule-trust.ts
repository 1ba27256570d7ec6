/**
 * Owns whether this centre may act upon the record of a schedule: fire its ticks, hand it to nodes. Where the fleet has a trust list, an
 * operator whom that names must have signed it. Promises that neither the list nor a schedule goes back to an earlier version while it
 * runs: a broker that puts an old value back is not believed. A restart knows only what it was told when it was enrolled.
 */

import { documentsFor, type Held, readBody, rootsAfter, type SignedDocument } from '../domain/document.ts';
import type { ScheduleRecord } from '../domain/schedule.ts';
import type { TrustList } from '../domain/trust.ts';
import { offer } from '../security/document.ts';
import { recordHolds, whyNotVouched } from '../security/record-signature.ts';
import { pinnedList, type TrustFile } from '../security/trust-file.ts';
import type { DocumentIndex } from './document-index.ts';

/** What was removed is forgotten after this time, and its name begins anew with version 1. */
export const tombstoneMs = 90 * 86_400_000;

/** The newest version of a schedule that was vouched for here. */
type Newest = { readonly version: number; readonly removed: boolean; readonly at: number };

export class ScheduleTrust {
	readonly #documents: Pick<DocumentIndex, 'published' | 'onChange'>;
	/** The broker is asked whom to trust first. */
	readonly #believes: boolean;
	/** Signatures hold or not, whatever the time. */
	readonly #known = new WeakMap<ScheduleRecord, boolean>();
	readonly #newest = new Map<string, Newest>();
	readonly #said = new Map<string, string>();
	#held: Held;
	#list: TrustList | undefined;

	/** @param left What the enrolment left on this machine of whom to trust. */
	constructor(
		documents: Pick<DocumentIndex, 'published' | 'onChange'>,
		roots: readonly string[],
		left: TrustFile | undefined,
	) {
		this.#documents = documents;
		this.#list = pinnedList(roots, left);
		this.#believes = this.#list === undefined;
		this.#held = { roots: this.#list?.roots ?? [], document: undefined };
		if (left && 'documents' in left) this.#offer(left.documents.filter(({ kind }) => kind === 'trust'));
		documents.onChange(() => this.#takePublished());
	}

	/** Called when somebody else may be trusted; the answer takes the listener off. */
	onChange(listener: () => void): () => void {
		return this.#documents.onChange(listener);
	}

	/**
	 * Why nothing of it is done; undefined where an operator vouches for it, or nobody has to.
	 * @param now Server time, milliseconds since the epoch.
	 */
	problemOf(record: ScheduleRecord, now: number): string | undefined {
		if (!this.#list) return undefined;
		const { name, version, removed, signed } = record;
		const why = whyNotVouched(record, this.#list, now, () => this.#holds(record));
		if (why !== undefined) return `${why} (steward schedules sign ${name}, where it is what you want)`;
		const newest = this.#newest.get(name);
		const at = signed?.at ?? 0;
		if (newest && version < newest.version && !beganAnew(newest, at)) {
			return `it is version ${version}, and this centre has seen version ${newest.version}: the broker has put an old one back (start the centre again where that was a restore)`;
		}
		if (version !== newest?.version || removed !== newest.removed)
			this.#newest.set(name, { version, removed, at });
		return undefined;
	}

	/** Whether that is something else than was asked here last: what is said in a log is said once. */
	isNews(name: string, problem: string | undefined): boolean {
		if (problem === this.#said.get(name)) return false;
		if (problem === undefined) this.#said.delete(name);
		else this.#said.set(name, problem);
		return true;
	}

	#holds(record: ScheduleRecord): boolean {
		const known = this.#known.get(record);
		if (known !== undefined) return known;
		const holds = recordHolds(record);
		this.#known.set(record, holds);
		return holds;
	}

	/** A list that is gone, or older than the one in effect, changes nothing. */
	#takePublished(): void {
		const published = this.#documents.published('trust');
		if (!published) return;
		if (this.#believes && !this.#held.document)
			this.#put({ roots: rootsAfter(published.document, []), document: published.document });
		else this.#offer(documentsFor(published, this.#held.document?.version ?? 0));
	}

	#offer(documents: readonly SignedDocument[]): void {
		const { roots, document } = offer(documents, this.#held);
		if (document !== this.#held.document) this.#put({ roots, document });
	}

	#put(held: Held): void {
		this.#held = held;
		const read = readBody('trust', held.document?.body);
		// One that this program cannot read lets nobody in.
		this.#list = 'value' in read ? read.value : { roots: [...held.roots], keys: [] };
	}
}

function beganAnew(newest: Newest, at: number): boolean {
	return newest.removed && at - newest.at >= tombstoneMs;
}
