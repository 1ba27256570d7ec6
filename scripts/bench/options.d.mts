type Options = {
	readonly work: readonly string[];
	readonly peers: readonly string[];
	readonly tier: readonly string[];
	readonly rounds: number;
	readonly size: 'whole' | 'quick';
};

export const usage: string;
export function readOptions(args: readonly string[]): Options;
