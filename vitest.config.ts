import { defineConfig } from 'vitest/config';
import { folderInMemory } from './test/support/in-memory.ts';
import { LongestFirst } from './test/support/longest-first.ts';

/** Properties are tried from the same seed in each run. */
const seeded = ['test/support/fuzz.ts'];
const report = process.env.STEWARD_TEST_REPORT;
/** Chaos and budgets of time stay on a disk. */
const memory = folderInMemory();
const inMemory = memory === undefined ? {} : { env: { TMPDIR: memory } };
/** A server that is busy with other tests is taken for one that is away. */
const elections = 'test/jetstream/cluster.test.ts';
/** Parts of the window that need no server. */
const pureWindow = ['test/http/web/**', 'test/http/live/**', 'test/http/security/**'];

// unit: pure parts, no server. integration: a real nats-server each. e2e: the built CLI as child processes.
// Two cores: four files at a time, because tests mostly wait. No test counts on being served at once.
export default defineConfig({
	test: {
		maxWorkers: 4,
		globalSetup: ['test/support/build.ts', 'test/support/in-memory.ts'],
		sequence: { sequencer: LongestFirst },
		// What one project has compiled, the others need not, nor the next run: by the content of each file.
		experimental: { fsModuleCache: true, fsModuleCachePath: '.cache/test-modules' },
		// CI counts from a report of its own.
		...(report === undefined ? {} : { reporters: ['default', ['json', { outputFile: report }]] }),
		projects: [
			{
				test: {
					name: 'unit',
					...inMemory,
					setupFiles: seeded,
					include: [
						'test/{base,domain,security,supervision,cli,http/web,http/live,http/security}/**/*.test.ts',
					],
					// Pure: what one file loads, the next one need not load again.
					isolate: false,
					testTimeout: 60_000,
				},
			},
			{
				test: {
					name: 'integration',
					...inMemory,
					setupFiles: seeded,
					include: ['test/{jetstream,client,broker,node,central,http,scripts,attacks}/**/*.test.ts'],
					exclude: [elections, ...pureWindow],
					// Each test takes away what it made; so the next file need not load everything again.
					isolate: false,
					testTimeout: 360_000,
					hookTimeout: 120_000,
				},
			},
			{
				test: {
					name: 'e2e',
					...inMemory,
					include: ['test/e2e/**/*.test.ts'],
					isolate: false,
					testTimeout: 360_000,
					hookTimeout: 120_000,
				},
			},
			{
				test: {
					// A real browser on the built command line and page: three files at a time, a browser takes half a core.
					name: 'browser',
					...inMemory,
					include: ['test/browser/**/*.test.ts'],
					isolate: false,
					sequence: { groupOrder: 1 },
					testTimeout: 60_000,
					hookTimeout: 60_000,
					maxWorkers: 3,
				},
			},
			{
				test: {
					// Real processes, real faults, counts at the end: after the others, which have clocks of their own.
					name: 'chaos',
					include: ['test/chaos/**/*.test.ts'],
					sequence: { groupOrder: 2 },
					testTimeout: 300_000,
					hookTimeout: 120_000,
				},
			},
			{
				test: {
					// Budgets of time and memory, and what waits for elections: last, and alone on the machine.
					name: 'speed',
					include: ['test/speed/**/*.test.ts', elections],
					sequence: { groupOrder: 3 },
					testTimeout: 120_000,
					fileParallelism: false,
				},
			},
		],
	},
});
