/**
 * Owns how a node is started: where, with what, as a line that can be copied.
 * Promises the line that works beside this centre, and its keys before it where the broker asks for some. Keeps nothing.
 */

import { session } from '../session.ts';
import { Copyable } from '../ui/empty.tsx';

export function StartNode({ node }: { node: string }) {
	const { secure = false, cli = null } = session.value ?? {};
	const isClone = cli?.includes('npx ') === true;
	return (
		<div class="start-node">
			{secure && (
				<>
					<p>The broker asks for keys. Make those of {node} on the machine where steward runs:</p>
					<Copyable text={`steward enrol ${node}`} />
				</>
			)}
			<p>
				To start {node}, in a terminal
				{isClone ? ', in the folder of steward' : ' on the machine where steward runs'}:
			</p>
			<Copyable text={`steward node --node ${node}`} />
		</div>
	);
}
