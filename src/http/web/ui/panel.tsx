/**
 * Owns how a page is divided: its head, its panels, lists of facts, and the place of what is still on its way.
 * Promises that what comes later has its room before, so that nothing jumps. Keeps nothing.
 */

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { count as grouped } from '../words.ts';

export function PageHead({
	title,
	crumb,
	sub,
	actions,
}: {
	title: ComponentChildren;
	crumb?: ComponentChildren;
	sub?: ComponentChildren;
	actions?: ComponentChildren;
}) {
	return (
		<div class="page-head">
			<div class="page-head-text">
				{crumb && <div class="crumb">{crumb}</div>}
				<h1>{title}</h1>
				{sub !== undefined && <div class="page-head-sub live">{sub}</div>}
			</div>
			{actions && <div class="page-head-actions">{actions}</div>}
		</div>
	);
}

export function Panel({
	title,
	count,
	actions,
	bare,
	class: className = '',
	children,
}: {
	title: ComponentChildren;
	count?: number | undefined;
	actions?: ComponentChildren;
	/** Without space around what is in it: a table. */
	bare?: boolean;
	class?: string;
	children: ComponentChildren;
}) {
	const id = useId();
	return (
		<section class={`panel ${className}`} aria-labelledby={id}>
			<div class="panel-head">
				<h2 id={id}>
					{title}
					{count !== undefined && <span class="faint">{grouped(count)}</span>}
				</h2>
				{actions && <div class="panel-actions">{actions}</div>}
			</div>
			<div class={bare ? 'live' : 'panel-body live'}>{children}</div>
		</section>
	);
}

/** Pairs of a name and what it is; a pair of null is left out. */
export function Facts({
	of: pairs,
}: {
	of: readonly (readonly [name: string, value: ComponentChildren] | null)[];
}) {
	return (
		<dl class="facts">
			{pairs.map(
				(pair) =>
					pair && (
						<div class="fact" key={pair[0]}>
							<dt>{pair[0]}</dt>
							<dd>{pair[1]}</dd>
						</div>
					),
			)}
		</dl>
	);
}

const widths = [46, 62, 38, 54, 30];

/** As many lines as are likely to come. */
export function Skeleton({ lines = 1, height }: { lines?: number; height?: number }) {
	return (
		<div class="skeletons" aria-hidden="true">
			{Array.from({ length: lines }, (_, index) => (
				<span
					key={index}
					class="skeleton"
					style={{
						width: `${widths[index % widths.length]}%`,
						...(height === undefined ? {} : { height: `${height}px` }),
					}}
				/>
			))}
		</div>
	);
}

/** In the place of the rows of a table. */
export function TableSkeleton({ lines = 14 }: { lines?: number }) {
	return (
		<div class="skeleton-rows" aria-hidden="true">
			{Array.from({ length: lines }, (_, index) => (
				<div key={index}>
					<span class="skeleton" style={{ width: `${widths[index % widths.length]}%` }} />
				</div>
			))}
		</div>
	);
}
