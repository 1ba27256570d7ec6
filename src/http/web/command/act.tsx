/**
 * Owns what one may do with commands from the page: call them off, send them again; and how the answers are told.
 * Promises the honest words for each answer: certain, or asked and not answered yet. Keeps nothing.
 */

import type { Cancellation, CommandView, Receipt } from '../../../domain/view-schema.ts';
import { ApiError, api } from '../api.ts';
import { Link } from '../route.tsx';
import { lookOfState } from '../states.ts';
import { toast } from '../ui/toast.tsx';
import { plural } from '../words.ts';

export function commandPath(handle: string): string {
	return `/commands/${encodeURIComponent(handle)}`;
}

export async function cancelOne(handle: string, reason: string): Promise<void> {
	const body = reason === '' ? {} : { reason };
	const { answer, command } = await api<Cancellation>(`${commandPath(handle)}/cancel`, {
		method: 'POST',
		body,
	});
	const [words, tone] = cancelWords(answer, command);
	toast(words, tone);
}

function cancelWords(
	answer: Cancellation['answer'],
	{ state }: CommandView,
): readonly [string, 'ok' | 'warn'] {
	switch (answer) {
		case 'beforeStart':
			return ['Cancelled before it started: it certainly never runs.', 'ok'];
		case 'whileRunning':
			return ['Cancelled while it ran.', 'ok'];
		case 'tooLate':
			return [`Too late: it had ended already (${lookOfState(state).word}).`, 'warn'];
		case 'asked':
			return ['Its node is asked to end it, and has not answered yet. The wish stays.', 'warn'];
	}
}

export async function retryOne(handle: string): Promise<void> {
	const receipt = await api<Receipt>(`${commandPath(handle)}/retry`, { method: 'POST', body: {} });
	toast(
		<>
			Sent once more as <Link to={commandPath(receipt.handle)}>{receipt.handle}</Link>.
		</>,
	);
}

/** What a request about many commands says of each. */
type ManyAnswer = {
	readonly items: readonly {
		readonly handle: string;
		readonly ok: boolean;
		readonly answer?: Cancellation['answer'];
		readonly problem?: { readonly title: string };
	}[];
};

const mostAtOnce = 500;

/** In pieces, so that none takes long. @throws ApiError where the server refused the whole */
export async function actOnMany(
	verb: 'cancel' | 'retry',
	handles: readonly string[],
	reason: string,
): Promise<void> {
	const items: ManyAnswer['items'][number][] = [];
	for (let from = 0; from < handles.length; from += mostAtOnce) {
		const body = { handles: handles.slice(from, from + mostAtOnce), ...(reason === '' ? {} : { reason }) };
		items.push(...(await api<ManyAnswer>(`/commands/${verb}`, { method: 'POST', body })).items);
	}
	const refused = items.filter(({ ok }) => !ok);
	const asked = items.filter(({ answer }) => answer === 'asked').length;
	const late = items.filter(({ answer }) => answer === 'tooLate').length;
	const done = items.length - refused.length - asked - late;
	const words = [
		`${plural(done, 'command')} ${verb === 'cancel' ? 'cancelled' : 'sent once more'}`,
		asked > 0 && `${asked} asked of their nodes`,
		late > 0 && `${late} had ended already`,
		refused.length > 0 && `${refused.length} refused (${refused[0]?.problem?.title ?? 'no reason'})`,
	];
	toast(`${words.filter(Boolean).join(', ')}.`, refused.length + late + asked > 0 ? 'warn' : 'ok');
}

/** Runs what may fail, and says so. */
export async function orToast(act: () => Promise<void>): Promise<void> {
	try {
		await act();
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
		toast(error.message, 'bad');
	}
}
