/**
 * Owns running one centre as a process of its own, from the compiled sources: `node central-runner.mjs <JSON>`.
 * Promises `ready` on stdout when it answers questions, an orderly stop at SIGTERM, and exit code 20 when it could not go on.
 * Started by central-process.ts.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { buildDir, config, streamsDir, clockOffsetMs } = JSON.parse(process.argv[2] ?? '{}');
const { Central, compileConfig, createLog, systemClock } = await import(
	pathToFileURL(join(buildDir, 'bin/central-program.js')).href
);
const central = new Central({
	config: compileConfig([config]),
	streamsDir,
	clock: { ...systemClock, now: () => systemClock.now() + clockOffsetMs },
	log: await createLog({ level: 'info', pretty: false }),
});
const end = async (code) => {
	await central.stop();
	process.exit(code);
};
central.onFailure(() => void end(20));
process.on('SIGTERM', () => void end(0));
// The test is gone: so are we.
process.on('disconnect', () => process.exit(1));
await central.start();
await central.ready();
process.stdout.write('ready\n');
