/**
 * Owns the methods that the nodes of the fleet offer, as a form asks for them.
 * Promises those of a node that comes while the form is open. Dies with its component.
 */

import { useComputed } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { MethodView } from '../../../domain/many-view-schema.ts';
import { totals } from '../live.ts';
import { type Loaded, useLoad } from '../load.ts';

export function useMethods(): Loaded<{ items: readonly MethodView[] }> {
	const methods = useLoad<{ items: readonly MethodView[] }>('/methods');
	const present = useComputed(() => totals.value?.nodes.present);
	useEffect(() => {
		let seen = present.peek();
		return present.subscribe((now) => {
			if (now !== seen) methods.reload();
			seen = now;
		});
	}, []);
	return methods;
}
