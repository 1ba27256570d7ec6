type Values = readonly (number | undefined)[];
type Guarded = {
	readonly work: string;
	readonly figure: string;
	readonly of: string;
	readonly tolerance: number;
};
type Verdict = {
	readonly key: string;
	readonly work: string;
	readonly accepted: number | undefined;
	readonly measured: number | undefined;
	readonly most: number;
	readonly holds: boolean;
	readonly isBetter: boolean;
};

export const guarded: readonly Guarded[];
export function keyOf(one: Pick<Guarded, 'work' | 'figure' | 'of'>): string;
export function leastRatio(values: Values, others: Values): number | undefined;
export function compare(
	valuesOf: (work: string, figure: string, peer: string) => Values,
	accepted: Readonly<Record<string, number>>,
): Verdict[];
export function sentenceOf(verdict: Verdict): string;
