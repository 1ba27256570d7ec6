import type { Fit } from './fit.mjs';

export type Model = {
	readonly fits: Readonly<Record<string, Fit>>;
	readonly connected: {
		readonly memoryMb: number;
		readonly broker: number;
		readonly centre: number;
		readonly bytes: number;
	};
	readonly bytesOfCommand: number;
	readonly claimsPerSecond: number;
};
export type Fleet = {
	readonly nodes: number;
	readonly shards: number;
	readonly replicas: number;
	readonly perDay: number;
	readonly peak: number;
	readonly present: number;
	readonly waiting: number;
	readonly bytes: number;
	readonly ledgerDays: number;
};
type Amounts = Readonly<Record<string, number>>;

export const derived: { readonly writesOfReplica: number; readonly storeFactor: number };
export function modelOf(
	valuesOf: (work: string, figure: string, peer?: string) => readonly number[],
	size?: string,
): Model;
export function needsOf(model: Model, fleet: Fleet): Amounts;
export function returnOf(
	model: Model,
	fleet: Fleet & { readonly cores: number },
): { run: number; told: number };
export function usesOf(needs: Amounts, limits: Amounts): readonly { name: string; use: number }[];
export function mostNodes(model: Model, fleet: Fleet, limits: Amounts): Amounts;
