type Round = {
	readonly figures?: Readonly<Record<string, number | readonly number[]>>;
	readonly error?: string;
};
type Run = { readonly startedAt: string; readonly machine: Readonly<Record<string, string>> };
type Report = Run & {
	readonly tookMs: number;
	readonly options: { readonly rounds: number; readonly size: 'whole' | 'quick' };
	readonly tiers: Readonly<
		Record<string, Readonly<Record<string, Readonly<Record<string, readonly Round[]>>>>>
	>;
	readonly measured?: Readonly<Record<string, Run>>;
};

export function besideEarlier(report: Report, earlier: Report): Report & Required<Pick<Report, 'measured'>>;
export function digits(value: number | undefined): string;
export function markdownOf(report: Report): string;
