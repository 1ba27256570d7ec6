/**
 * Owns what is handed over to be published: subject, body, headers, how large that is, what it expects, and who vouches for it.
 * Promises that what vouches for several messages is a header of each, so that one that goes alone later keeps it.
 * Pure.
 */

export type PublishRequest = {
	readonly subject: string;
	readonly data: Uint8Array | string;
	/** Raw headers, also the expectations (`Nats-Expected-Last-Subject-Sequence`): a batch drops those of the client's options. */
	readonly headers?: Readonly<Record<string, string>>;
	/** Those with the same are stored in the order in which they were handed over, also where several batches are under way. */
	readonly order?: string;
};

export const expectedSeqHeader = 'Nats-Expected-Last-Subject-Sequence';
export const expectedSubjectHeader = 'Nats-Expected-Last-Subject-Sequence-Subject';

/** Who vouches for a message, and how that is seen. */
export const sealHeader = 'Steward-Seal';

export type Seal = {
	readonly of: (requests: readonly PublishRequest[]) => readonly string[];
	/** No seal is longer, characters. */
	readonly longest: number;
};

/** What a seal adds to a message at most, bytes. */
export function sealBytes(seal: Seal | undefined): number {
	return seal ? sealHeader.length + seal.longest + 4 : 0;
}

/** The requests, vouched for together. */
export function withSeals(seal: Seal, requests: readonly PublishRequest[]): PublishRequest[] {
	const seals = seal.of(requests);
	return requests.map((request, place) => ({
		...request,
		headers: { ...request.headers, [sealHeader]: seals[place] ?? '' },
	}));
}

/** What must not be expected twice in one batch. */
export function expectationOf({ subject, headers = {} }: PublishRequest): string | undefined {
	return headers[expectedSubjectHeader] ?? (headers[expectedSeqHeader] === undefined ? undefined : subject);
}

export function sizeOf({ data, headers = {} }: PublishRequest): number {
	const body = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
	let head = 0;
	for (const name in headers) head += name.length + Buffer.byteLength(headers[name] ?? '') + 4;
	// `NATS/1.0`, a line each, and an empty one.
	return body + (head === 0 ? 0 : head + 12);
}
