/**
 * Owns what a node says of itself, in pairs.
 * Promises a dash where it has not said it. Keeps nothing.
 */

import type { NodeView } from '../../../domain/view-schema.ts';
import { ClockOffset } from '../fleet/columns.tsx';
import { Link } from '../route.tsx';
import { PresenceBadge } from '../ui/badge.tsx';
import { LabelTags } from '../ui/label-tags.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Facts } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { count } from '../words.ts';

export function NodeSub({ view }: { view: NodeView }) {
	return (
		<>
			<PresenceBadge presence={view.presence} since={view.since} />
			<LabelTags labels={view.labels} />
		</>
	);
}

const dash = <span class="faint">–</span>;
const saidOr = (text: string | null | undefined) => (text ? <LongText lines={2}>{text}</LongText> : dash);

export function NodeFacts({ view, failing }: { view: NodeView; failing: number }) {
	const { platform, startedAt, lastSeenAt, version, trust, access, outbox, unreported, node } = view;
	const effect = (of: number | null) =>
		of === null ? 'takes none' : of === 0 ? 'none yet' : `version ${of}`;
	const known = version !== null;
	if (view.presence === 'never') return <p class="muted">It says what it is when it comes.</p>;
	return (
		<Facts
			of={[
				['Version', saidOr(version)],
				['Platform', saidOr(platform && `${platform.os} ${platform.arch}, ${platform.runtime}`)],
				['Machine', saidOr(platform?.hostname)],
				['Started', startedAt ? <Time at={startedAt} /> : dash],
				['Last heard', lastSeenAt ? <Time at={lastSeenAt} /> : dash],
				['Clock', <ClockOffset key="clock" ms={view.clockOffsetMs} />],
				[
					'Failing',
					failing === 0 ? (
						'none within a day'
					) : (
						<Link
							to={`/commands?node=${encodeURIComponent(node)}&state=failed,timedOut,interrupted,lost,rejected`}
						>
							{count(failing)} within a day
						</Link>
					),
				],
				['Outbox', outbox === null ? dash : outbox === 0 ? 'empty' : `${count(outbox)} to be said`],
				unreported.length > 0 ? ['Unreported', `${count(unreported.length)} ended there`] : null,
				['Trust list', known ? effect(trust) : dash],
				['Access list', known ? effect(access) : dash],
			]}
		/>
	);
}
