type Round = {
	readonly figures?: Readonly<Record<string, number | readonly number[]>>;
	readonly error?: string;
};
type Report = {
	readonly startedAt: string;
	readonly tookMs: number;
	readonly machine: Readonly<Record<string, string>>;
	readonly options: { readonly rounds: number; readonly size: 'whole' | 'quick' };
	readonly tiers: Readonly<
		Record<string, Readonly<Record<string, Readonly<Record<string, readonly Round[]>>>>>
	>;
};

export function digits(value: number | undefined): string;
export function markdownOf(report: Report): string;
