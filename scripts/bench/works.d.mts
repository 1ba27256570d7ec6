type Work = { readonly figures: Readonly<Record<string, unknown>>; readonly peers: readonly string[] };

export const works: Readonly<Record<string, Work>>;
