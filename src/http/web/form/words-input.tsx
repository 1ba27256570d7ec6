/**
 * Owns the field for a list of words: one line, as one would type it in a shell.
 * Promises that the words are shown as the program will get them, and that it says what only a shell would act on.
 * Enter sends the form, Shift and Enter begin a line. Keeps nothing.
 */

import { Button } from '../ui/button.tsx';
import { joinWords, splitWords } from './words.ts';

export function WordsInput({
	line,
	onChange,
	id,
	...rest
}: {
	line: string;
	/** `given` false: it is empty, and left out. */
	onChange: (line: string, given: boolean) => void;
	id: string;
	'aria-describedby'?: string | undefined;
	'aria-invalid'?: true;
}) {
	const { words, shellOnly } = splitWords(line);
	return (
		<div class="words">
			<textarea
				{...rest}
				id={id}
				class="textarea words-line"
				rows={Math.min(8, line.split('\n').length)}
				value={line}
				spellcheck={false}
				autoComplete="off"
				autoCapitalize="off"
				placeholder="uname -a"
				onInput={({ currentTarget }) => onChange(currentTarget.value, currentTarget.value.trim() !== '')}
				onKeyDown={(event) => {
					if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
					event.preventDefault();
					event.currentTarget.form?.requestSubmit();
				}}
			/>
			{(words.length > 1 || line.includes("'") || line.includes('"')) && (
				<ol class="words-list" aria-label="The words that the program gets">
					{words.map((word, index) => (
						<li key={index} class="tag mono">
							{word === '' ? '(empty)' : word}
						</li>
					))}
				</ol>
			)}
			{shellOnly.length > 0 && (
				<p class="field-hint words-hint">
					<span>
						No shell reads this: <code>{shellOnly.join(' ')}</code> goes to the program as it is.
					</span>
					<Button small onClick={() => onChange(joinWords(['sh', '-c', line.trim()]), true)}>
						Run it in sh
					</Button>
				</p>
			)}
		</div>
	);
}
