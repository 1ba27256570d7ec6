/**
 * Owns the list of the keys, as `?` shows it.
 * Promises what works on the page that one is on. Keeps nothing.
 */

import { keyUses } from './keys.ts';
import { session } from './session.ts';
import { Dialog } from './ui/dialog.tsx';

export function KeyHelp({ onClose }: { onClose: () => void }) {
	return (
		<Dialog title="Keys" onClose={onClose}>
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
			<p class="muted">
				Everything here is also in the command line (<code>steward help</code>) and at{' '}
				<a href="/api/docs">/api/docs</a>. steward {session.value?.version}
			</p>
		</Dialog>
	);
}
