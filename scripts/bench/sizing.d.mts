import type { Fleet, Model } from './model.mjs';

type Assumed = Omit<Fleet, 'nodes'> & {
	readonly cores: number;
	readonly memoryGb: number;
	readonly diskGb: number;
	readonly networkMbit: number;
	readonly centreCores: number;
	readonly centreGb: number;
	readonly headroom: number;
};

export const assumed: Assumed;
export function sizingOf(
	model: Model,
	maxConsumers: number,
	about: { readonly command: string; readonly measured: string },
	own?: Assumed,
): string;
