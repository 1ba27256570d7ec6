/**
 * Owns what has to be known of a node before anything else.
 * Promises what to do about it, in the same breath. Keeps nothing.
 */

import type { NodeView } from '../../../domain/view-schema.ts';
import { toneOfOffset } from '../states.ts';
import { Banner } from '../ui/banner.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Time } from '../ui/time.tsx';
import { count, offsetWords } from '../words.ts';
import { StartNode } from './start.tsx';

export function NodeBanners({ view }: { view: NodeView }) {
	const { conflict, decommissioned, queueFull, loud, clockOffsetMs, presence } = view;
	return (
		<>
			{conflict && (
				<Banner tone="bad">
					<strong>Two machines use this name</strong>, noticed <Time at={conflict.noticedAt} />. Neither runs
					what the other has claimed. Give one of them another name.
					<LongText>
						<span class="mono">{conflict.machines.join(', ')}</span>
					</LongText>
				</Banner>
			)}
			{decommissioned && (
				<Banner tone="warn">
					<strong>Out of service</strong> since <Time at={decommissioned.at} />:{' '}
					{count(decommissioned.cancelled)} cancelled, {count(decommissioned.lost)} given up.
					{decommissioned.settledAt === null && ' Some still have to be given their end.'}
					<LongText>
						By {decommissioned.by}
						{decommissioned.reason !== '' && `: ${decommissioned.reason}`}
					</LongText>
				</Banner>
			)}
			{queueFull && (
				<Banner tone="warn">
					<strong>Its queue is full</strong> (since <Time at={queueFull.since} />
					): {count(queueFull.limit)} commands wait, and more are refused until some have left.
				</Banner>
			)}
			{loud && (
				<Banner tone="warn">
					<strong>It says more than it should</strong>: {count(Math.round(loud.perSecond))} messages a second,
					noticed <Time at={loud.at} />.
				</Banner>
			)}
			{toneOfOffset(clockOffsetMs) && clockOffsetMs !== null && (
				<Banner tone={toneOfOffset(clockOffsetMs) === 'bad' ? 'bad' : 'warn'}>
					<strong>Its clock is off by {offsetWords(clockOffsetMs)}</strong>. Deadlines are kept in server time
					all the same; what it fires by itself without a link is not. Set its clock.
				</Banner>
			)}
			{presence === 'never' && (
				<Banner>
					<p>Nobody has ever heard of this node. What is sent to it waits until it comes.</p>
					<StartNode node={view.node} />
				</Banner>
			)}
		</>
	);
}
