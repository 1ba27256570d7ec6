export type Row = { readonly at: string; readonly x: readonly number[]; readonly y: number };
export type Fit = {
	readonly coefficients: Readonly<Record<string, number>>;
	readonly points: readonly {
		readonly at: string;
		readonly y: number;
		readonly fitted: number;
		readonly off: number;
	}[];
};

export function fitOf(terms: readonly string[], rows: readonly Row[]): Fit;
