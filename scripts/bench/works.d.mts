type Work = { readonly figures: Readonly<Record<string, unknown>>; readonly peers: readonly string[] };

export const works: Readonly<Record<string, Work>>;
export const fleetSizes: readonly number[];
export const shardCounts: readonly number[];
export function fleetFigure(name: string, nodes: number, shards: number): string;
