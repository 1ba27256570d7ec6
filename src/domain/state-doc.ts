/**
 * Owns docs/states.md: what each state means to an operator, and diagram and table of the transitions.
 * Promises that diagram and table are made from the very table that decides, so that they cannot say anything else.
 * Pure: `npm run docs` writes the file, and a test fails while it differs.
 */

import { markdownTable } from './markdown.ts';
import {
	advance,
	type CommandEvent,
	type CommandState,
	commandEvents,
	commandStates,
	isFinal,
} from './state.ts';

const stateMeanings: Record<CommandState, string> = {
	scheduled: 'Its time has not come; it is queued when it is due.',
	queued: 'It waits on the broker for its node, which may be away.',
	running: 'Its node has claimed it and runs its method.',
	retrying: 'An attempt failed, and the next one is due at a known time.',
	succeeded: 'Its method ran and ended well.',
	failed: 'Its method ran and ended badly, and no attempt is left.',
	timedOut: 'Its method ran longer than `runFor` allows and was ended, and no attempt is left.',
	interrupted:
		'It was started and its node died, and its policy forbids a second run: its outcome is unknown.',
	cancelled: 'It was called off, before it started or while it ran.',
	expired: '`deliverWithin` passed before a start: it certainly never started.',
	rejected: 'It was refused: an unknown method, bad data, a bad signature, or not allowed.',
	lost: 'It was started, and then nothing was heard of it for too long: it may have run.',
};

const eventMeanings: Record<CommandEvent, string> = {
	due: 'its time has come',
	started: 'its node has claimed it, or starts it again',
	succeeded: 'its method ended well',
	failed: 'its method ended badly, for the last time',
	timedOut: '`runFor` passed, for the last time',
	interrupted: 'its node died while it ran',
	retryDue: 'an attempt failed, and another is allowed',
	cancelled: 'somebody called it off',
	expired: '`deliverWithin` passed',
	refused: 'its node, or the centre, refused it',
	unheard: 'its node was silent for longer than its patience',
};

const openStates = commandStates.filter((state) => !isFinal(state));
const finalStates = commandStates.filter(isFinal);

/** The whole text of docs/states.md. */
export function stateDocument(): string {
	return `# The states of a command

Made by \`npm run docs\` from the table in \`src/domain/state.ts\`.

A final state never changes. What a node says after it is kept beside it, as \`late\`.

${markdownTable(
	['state', 'final', 'meaning'],
	commandStates.map((state) => [`\`${state}\``, isFinal(state) ? 'yes' : '', stateMeanings[state]]),
)}

\`\`\`mermaid
${diagram()}
\`\`\`

## Transitions

What nodes and the centre say may arrive twice and in any order, and a report may overtake the claim that it follows: this is
why a command can end from every state that is not final. A dash: the event says nothing new there, and nothing changes.

${markdownTable(
	['event', 'what happened', ...openStates.map((state) => `from \`${state}\``), 'from a final state'],
	commandEvents.map((event) => [
		`\`${event}\``,
		eventMeanings[event],
		...openStates.map((state) => target(state, event)),
		finalStates.every((state) => advance(state, event).effect === 'late') ? 'late' : '?',
	]),
)}
`;
}

function target(state: CommandState, event: CommandEvent): string {
	const next = advance(state, event);
	return next.effect === 'moved' ? `\`${next.state}\`` : '–';
}

/** What ends a command is drawn once, from the frame around all states that are not final. */
function diagram(): string {
	const within = openStates.flatMap((state) =>
		commandEvents.flatMap((event) => {
			const next = advance(state, event);
			return next.effect === 'moved' && !isFinal(next.state) ? `${state} --> ${next.state}: ${event}` : [];
		}),
	);
	const outward = commandEvents.flatMap((event) => {
		const from = openStates.filter((state) => isFinal(advance(state, event).state));
		const [first] = from;
		if (first === undefined) return [];
		const only = from.length < openStates.length ? ` (if ${from.join(' or ')})` : '';
		return `open --> ${advance(first, event).state}: ${event}${only}`;
	});
	return [
		'stateDiagram-v2',
		'    state "not final" as open {',
		...within.map((line) => `        ${line}`),
		'    }',
		'    [*] --> open',
		...outward.map((line) => `    ${line}`),
		...finalStates.map((state) => `    ${state} --> [*]`),
	].join('\n');
}
