/**
 * Owns leaving out JSON Schemas of data, where all that describes methods has to fit one message.
 * Promises that the largest go first, no more of them than needed, and that the description of their method says so.
 * Pure; a method itself checks its data in any case.
 */

import type { MethodDescription } from './method.ts';

/** The most that the schemas of one module take, bytes of JSON. */
const largestSchemasBytes = 512 * 1024;

/** What is said in place of a schema takes no more. */
const noteBytes = 128;

/** Which of these are to be left out, so that `excess` bytes less are there; with the size of each. */
export function largestSchemas(schemas: readonly unknown[], excess: number): ReadonlyMap<number, number> {
	const sizes = schemas.map((schema, index) => ({ index, bytes: bytesOf(schema) }));
	const leftOut = new Map<number, number>();
	let left = excess;
	for (const { index, bytes } of sizes.sort((a, b) => b.bytes - a.bytes)) {
		if (left <= 0 || bytes <= noteBytes) break;
		leftOut.set(index, bytes);
		left -= bytes - noteBytes;
	}
	return leftOut;
}

/** What a method's description says where its schema is not told. */
export function withSchemaNote(description: string | undefined, bytes: number): string {
	const note = `(the schema of its data is not told: it has ${bytes} bytes)`;
	return description === undefined ? note : `${description} ${note}`;
}

/** The methods of a module, as it gives them to its node. */
export function sendableDescriptions(methods: readonly MethodDescription[]): MethodDescription[] {
	const schemas = methods.map(({ dataSchema }) => dataSchema);
	const total = schemas.reduce<number>((sum, schema) => sum + bytesOf(schema), 0);
	const leftOut = largestSchemas(schemas, total - largestSchemasBytes);
	return methods.map((method, index) => {
		const bytes = leftOut.get(index);
		if (bytes === undefined) return method;
		return { ...method, dataSchema: {}, description: withSchemaNote(method.description, bytes) };
	});
}

function bytesOf(schema: unknown): number {
	return Buffer.byteLength(JSON.stringify(schema) ?? '');
}
