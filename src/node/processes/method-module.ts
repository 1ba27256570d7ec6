/**
 * Owns the reading of definitions: which of a module's exports are methods, what they say of themselves, and
 * whether data fits them.
 * Promises that a module which offers no method, or a broken one, is told by its path with what to do about it.
 * Has no state.
 */

import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { messageOf, StewardError } from '../../base/errors.ts';
import { commandLanes, kinds, methodNamePattern, methodNameRule } from '../../domain/names.ts';
import { describeProblems } from '../../domain/validation.ts';
import { isolations, type MethodDefinition, type MethodDescription } from './method.ts';
import { boundedValue } from './outcome-bounds.ts';

/** Methods by their names. */
export type Methods = ReadonlyMap<string, MethodDefinition>;

/**
 * Imports the module at an absolute path and gives the methods that it exports: by default (one, or an array), or by name.
 * @throws StewardError `invalid`, naming the module.
 */
export async function loadMethods(path: string): Promise<Methods> {
	let exports: Record<string, unknown>;
	try {
		exports = await import(pathToFileURL(path).href);
	} catch (error) {
		throw new StewardError(
			'invalid',
			`the module ${path} cannot be loaded: ${messageOf(error)}; try it with: node ${path}`,
			{ cause: error },
		);
	}
	const candidates = Object.values(exports).flat().filter(isMeantAsMethod);
	if (candidates.length === 0) {
		throw new StewardError(
			'invalid',
			`the module ${path} exports no method; write: export default defineMethod({ name, kind, data, run })`,
		);
	}
	const methods = methodsByName([...new Set(candidates)], `the module ${path}`);
	for (const { name, isolate } of methods.values()) {
		if (isolate !== 'none') continue;
		throw new StewardError(
			'invalid',
			`the module ${path} defines the method ${name} with isolate: 'none', and only steward's own methods run inside the node; write isolate: 'worker' or 'child', or leave it out`,
		);
	}
	return methods;
}

/** @throws StewardError `invalid` when one is incomplete, or two have one name. */
export function methodsByName(candidates: readonly object[], origin: string): Methods {
	const methods = new Map<string, MethodDefinition>();
	for (const candidate of candidates) {
		const definition = asDefinition(candidate, origin);
		if (methods.has(definition.name)) {
			throw new StewardError(
				'invalid',
				`${origin} defines the method ${definition.name} twice; give one of them another name`,
			);
		}
		methods.set(definition.name, definition);
	}
	return methods;
}

export function describeMethod(definition: MethodDefinition): MethodDescription {
	const { name, kind, description, defaults = {}, isolate } = definition;
	return {
		name,
		kind,
		...(description === undefined ? {} : { description }),
		dataSchema: jsonSchemaOf(definition),
		defaults,
		...(isolate === undefined ? {} : { isolate }),
	};
}

/** Problems of the data, one line each. */
export async function problemsOf(definition: MethodDefinition, data: unknown): Promise<readonly string[]> {
	const parsed = await definition.data.safeParseAsync(data);
	return parsed.success ? [] : describeProblems(parsed.error, data, knownKeys(jsonSchemaOf(definition)));
}

/** The data as the method gets it. @throws StewardError `invalid` when it does not fit. */
export async function parseData(definition: MethodDefinition, data: unknown): Promise<unknown> {
	const parsed = await definition.data.safeParseAsync(data);
	if (parsed.success) return parsed.data;
	const problems = describeProblems(parsed.error, data, []);
	throw new StewardError('invalid', `the data does not fit ${definition.name}: ${problems.join('; ')}`, {
		details: { problems },
	});
}

/** The value as it is after a way over JSON, or what stands for one that is too large. @throws TypeError when there is none. */
export function asJson(value: unknown, method: string): unknown {
	let text: string | undefined;
	try {
		text = JSON.stringify(value);
	} catch (error) {
		throw new TypeError(`${method} returned what JSON cannot hold: ${messageOf(error)}`, { cause: error });
	}
	if (text === undefined) throw new TypeError(`${method} returned a ${typeof value}, which JSON cannot hold`);
	return boundedValue(text);
}

function isMeantAsMethod(value: unknown): value is object {
	return typeof value === 'object' && value !== null && 'run' in value && 'name' in value;
}

function asDefinition(value: object, origin: string): MethodDefinition {
	const name = 'name' in value && typeof value.name === 'string' ? value.name : '';
	const problems: string[] = [];
	if (!methodNamePattern.test(name)) problems.push(`name: expected ${methodNameRule}`);
	if (!('kind' in value) || !kinds.some((kind) => kind === value.kind)) {
		problems.push('kind: expected "command" or "event"');
	}
	if (!('data' in value) || !isSchema(value.data)) problems.push('data: expected a zod schema');
	if (!('run' in value) || typeof value.run !== 'function') problems.push('run: expected a function');
	const isolate = 'isolate' in value ? value.isolate : undefined;
	if (isolate !== undefined && !isolations.some((known) => known === isolate)) {
		problems.push('isolate: expected "worker" or "child"');
	}
	const lane = laneOf(value);
	if (lane !== undefined && !commandLanes.some((known) => known === lane)) {
		problems.push(`defaults.lane: expected one of ${commandLanes.join(', ')}`);
	}
	if (problems.length === 0) return value as MethodDefinition;
	throw new StewardError(
		'invalid',
		`${origin} defines a method ${name ? `"${name}" ` : ''}that is not complete: ${problems.join('; ')}`,
		{ details: { problems } },
	);
}

function laneOf(value: object): unknown {
	const defaults = 'defaults' in value ? value.defaults : undefined;
	return typeof defaults === 'object' && defaults !== null && 'lane' in defaults ? defaults.lane : undefined;
}

function isSchema(value: unknown): boolean {
	return typeof value === 'object' && value !== null && 'safeParseAsync' in value;
}

/** A schema that JSON Schema cannot say, or another library's, is "anything": the method itself still checks. */
function jsonSchemaOf(definition: MethodDefinition): unknown {
	try {
		return z.toJSONSchema(definition.data, { io: 'input', unrepresentable: 'any' });
	} catch {
		return {};
	}
}

/** Every name of a property that a JSON Schema speaks of, for guesses at misspelt ones. */
function knownKeys(schema: unknown): string[] {
	if (typeof schema !== 'object' || schema === null) return [];
	const own = 'properties' in schema && typeof schema.properties === 'object' ? schema.properties : {};
	return [...Object.keys(own ?? {}), ...Object.values(schema).flatMap(knownKeys)];
}
