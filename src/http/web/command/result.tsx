/**
 * Owns what became of a command: exit code or value, how much it said, and what of that the result has no room for.
 * Promises that what is cut is said. Keeps nothing.
 */

import type { CommandView } from '../../../domain/view-schema.ts';
import { Facts } from '../ui/panel.tsx';
import { bytes } from '../words.ts';

export function ResultFacts({ view }: { view: CommandView }) {
	const { result } = view;
	if (!result)
		return (
			<p class="muted">
				{view.endedAt === null ? 'It has not ended.' : 'It has none: nothing ran to its end.'}
			</p>
		);
	const { exitCode, signal, value } = result;
	return (
		<>
			<Facts
				of={[
					exitCode === null ? null : ['Exit code', <ExitCode key="code" code={exitCode} />],
					signal === null ? null : ['Signal', signal],
					...(['stdout', 'stderr'] as const).map((stream) => {
						const said = result[stream];
						return said ? ([stream, <Said key={stream} said={said} />] as const) : null;
					}),
				]}
			/>
			{value !== undefined && <JsonText value={value} label="What it returned" />}
		</>
	);
}

function ExitCode({ code }: { code: number }) {
	return <span class={code === 0 ? 'tone-ok' : 'tone-bad'}>{code}</span>;
}

type Summary = NonNullable<NonNullable<CommandView['result']>['stdout']>;

function Said({ said }: { said: Summary }) {
	const { bytes: all, cut, sha256 } = said;
	return (
		<>
			{all === 0 ? <span class="muted">nothing</span> : bytes(all)}
			{cut > 0 && (
				<span class="muted">
					{' '}
					· the result keeps its beginning and end; {bytes(cut)} in between are in the output only
				</span>
			)}
			{all > 0 && (
				<div class="faint mono clip" title={`SHA-256 ${sha256}`}>
					sha256 {sha256.slice(0, 16)}…
				</div>
			)}
		</>
	);
}

export function JsonText({ value, label }: { value: unknown; label: string }) {
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reachable by the keyboard
		<section class="json-text" tabIndex={0} aria-label={label}>
			<pre>{JSON.stringify(value, null, 2)}</pre>
		</section>
	);
}
