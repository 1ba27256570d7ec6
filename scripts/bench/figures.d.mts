type Values = readonly (number | undefined)[];
type Target = {
	readonly work: string;
	readonly figure: string;
	readonly least?: number;
	readonly most?: number;
	readonly of?: string;
};

export function median(values: readonly number[]): number | undefined;
export function summaryOf(
	values: Values,
): { median: number; min: number; max: number; rounds: number } | undefined;
export function ratioOf(values: Values, others: Values): number | undefined;
export function judge(
	target: Target,
	valuesOf: (work: string, figure: string, peer: string) => Values,
): Target & { value: number | undefined; alone: number | undefined; met: boolean; isWithinReach: boolean };
