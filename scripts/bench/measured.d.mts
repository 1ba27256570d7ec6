import type { Model } from './model.mjs';

type Report = {
	readonly startedAt: string;
	readonly machine: Readonly<Record<string, string>>;
	readonly options: { readonly size: string };
	readonly tiers: Readonly<
		Record<string, Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>>>
	>;
};
export type Measured = Pick<Report, 'options' | 'tiers'> & {
	readonly measured: Readonly<Record<string, Pick<Report, 'startedAt' | 'machine'>>>;
};

export function kept(reports: readonly (Report | Measured)[]): Measured;
export function modelFrom(measured: Measured): Model;
export function aboutOf(measured: Measured): string;
