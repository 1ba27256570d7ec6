/**
 * Owns the list of the keys, as `?` shows it.
 * Promises what works on the page that one is on. Keeps nothing.
 */

import { conditions } from './fleet/filter.ts';
import { keyUses } from './keys.ts';
import { session } from './session.ts';
import { Dialog } from './ui/dialog.tsx';

export function KeyHelp({ onClose }: { onClose: () => void }) {
	return (
		<Dialog title="Keys and search" wide onClose={onClose}>
			<div class="key-columns">
				<div>
					<h3>Keys</h3>
					<dl class="keys">
						{keyUses().map(({ keys, words }) => (
							<div class="fact" key={keys}>
								<dt>
									{keys.split(' ').map((key) => (
										<>
											<kbd>{key}</kbd>{' '}
										</>
									))}
								</dt>
								<dd>{words}</dd>
							</div>
						))}
						<div class="fact">
							<dt>
								<kbd>Esc</kbd>
							</dt>
							<dd>close a dialog, empty and leave the search</dd>
						</div>
					</dl>
				</div>
				<div>
					<h3>Search of the fleet</h3>
					<dl class="keys">
						<Term term="ship" words="in a name or the value of a label" />
						<Term term="role=tug" words="a label; role=t* by its beginning, role= with any value" />
						<Term term="!present" words="the opposite of whatever follows" />
						{Object.entries(conditions).map(([term, { words }]) => (
							<Term key={term} term={term} words={words} />
						))}
					</dl>
				</div>
			</div>
			<p class="muted">
				Everything here is also in the command line (<code>steward help</code>) and at{' '}
				<a href="/api/docs">/api/docs</a>. steward {session.value?.version}
			</p>
		</Dialog>
	);
}

function Term({ term, words }: { term: string; words: string }) {
	return (
		<div class="fact">
			<dt>
				<code>{term}</code>
			</dt>
			<dd class="muted">{words}</dd>
		</div>
	);
}
