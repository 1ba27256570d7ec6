import type { Plugin } from 'esbuild';

export declare function zodInParts(folder: string): Plugin;
