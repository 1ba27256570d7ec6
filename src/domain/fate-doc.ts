/**
 * Owns docs/what-became-of-my-command.md: the table of fates, for people.
 * Promises that it is made from the very table that the test drives real nodes through.
 * Pure: `npm run docs` writes the file, and a test fails while it differs.
 */

import { type Expected, type Fate, fates, fateTable, type Moment, moments } from './fates.ts';
import { markdownTable } from './markdown.ts';

const fateNames = Object.keys(fates) as Fate[];
const momentNames = Object.keys(moments) as Moment[];

/** The whole text of the page. */
export function fateDocument(): string {
	return `# What became of my command?

Made by \`npm run docs\` from the table in \`src/domain/fates.ts\`; \`test/e2e/fates.test.ts\` drives real nodes through it: with each change all but the rows that repeat another's way, with \`npm run test:long\` every row, each by processes of its own.

\`steward show\` tells the state, \`steward why\` says in one sentence why it is so, \`steward show --history\` tells each step with its
time and its author. What the states mean: [states.md](states.md).

Three things are certain. **It never started**: \`expired\`, and \`cancelled\` without a start, are said only where a claim was won that
closed the command for ever. **It started**: the claim of its node says so. **It ended so**: an outcome that its node wrote down is
reported, however long that takes. One thing is not: a node that died in the middle does not know how far its method came. That is
called \`interrupted\`, and \`lost\` when the node did not even come back to say so.

Where a node has ended a command and could still say that much, but not report it, \`why\` says \`unreported\` instead of \`nodeAway\`.

${fateNames.map(section).join('\n\n')}

## What is left of it

- A dead letter, where it was refused or its starts were used up by crashes: \`steward dead ls\`.
- Its message, for 30 days after its end: \`steward retry\` sends it once more, as a new command.
- Its output: \`steward logs\`.
`;
}

function section(fate: Fate): string {
	const rows = momentNames.flatMap((moment) => {
		const expected = fateTable[fate][moment];
		return expected ? [row(moment, expected)] : [];
	});
	return `## ${capital(fates[fate])}\n\n${markdownTable(['what happens', 'it ends as', 'it ran', '`why` says meanwhile'], rows)}`;
}

function row(moment: Moment, { state, runs, away, late }: Expected): string[] {
	const told = late ? `\`${state}\`; \`${late}\` is told later, as late` : `\`${state}\``;
	return [moments[moment], told, timesText(runs), away === null ? '' : `\`${away}\``];
}

function timesText(runs: number): string {
	return ['never', 'once', 'twice'][runs] ?? `${runs} times`;
}

function capital(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
