/**
 * Owns what a node offers: its methods, with the schema of what each takes.
 * Keeps nothing.
 */

import type { NodeView } from '../../../domain/view-schema.ts';
import { JsonText } from '../command/result.tsx';
import { ButtonLink } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty.tsx';
import { LongText } from '../ui/long-text.tsx';

export function Methods({ view }: { view: NodeView }) {
	if (view.methods.length === 0) {
		return (
			<EmptyState icon="question" title="Its methods are not known">
				<p>A node says them when it connects for the first time.</p>
			</EmptyState>
		);
	}
	return (
		<ul class="methods">
			{view.methods.map(({ name, kind, lane, description, data }) => (
				<li key={`${kind} ${name}`}>
					<div class="method-head">
						<strong class="clip">{name}</strong>
						<span class="tag">{kind}</span>
						{lane && <span class="tag">{lane}</span>}
						<span class="line-actions">
							<ButtonLink
								small
								to={`/send?to=${encodeURIComponent(view.node)}&method=${encodeURIComponent(name)}`}
							>
								Send
							</ButtonLink>
						</span>
					</div>
					{description && (
						<div class="muted">
							<LongText>{description}</LongText>
						</div>
					)}
					<details>
						<summary>Schema of its data</summary>
						<JsonText value={data} label={`Schema of ${name}`} />
					</details>
				</li>
			))}
		</ul>
	);
}
