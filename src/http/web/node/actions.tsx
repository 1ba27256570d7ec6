/**
 * Owns what one may do with a node from its page: hold it back, let it go on, take it out of service and back.
 * Promises that each asks for a reason before, and says after what is sure and what waits for the node. Keeps nothing.
 */

import { type Signal, useSignal } from '@preact/signals';
import type { NodeView, Receipt } from '../../../domain/view-schema.ts';
import { api } from '../api.ts';
import { blocked } from '../blocked.ts';
import { commandPath } from '../command/act.tsx';
import { Link } from '../route.tsx';
import { Button, ButtonLink } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { plural } from '../words.ts';

type Act = 'pause' | 'resume' | 'drain' | 'stop' | 'decommission' | 'recommission';

const words: Readonly<
	Record<Act, { readonly title: string; readonly action: string; readonly text: string }>
> = {
	pause: {
		title: 'Pause',
		action: 'Pause',
		text: 'Its lanes urgent, normal and bulk start nothing more until they are resumed. What runs goes on, what comes waits.',
	},
	resume: {
		title: 'Resume',
		action: 'Resume all',
		text: 'Undoes pause, drain and stopped methods: everything may start again.',
	},
	drain: {
		title: 'Drain',
		action: 'Drain',
		text: 'No lane starts anything more until the node is resumed or started again: for an update, for instance. What runs goes on. A node that is away for more than ten minutes is not drained at all.',
	},
	stop: {
		title: 'Stop a method of',
		action: 'Stop the method',
		text: 'The method runs no more until it is resumed. Commands for it wait.',
	},
	decommission: {
		title: 'Decommission',
		action: 'Take out of service',
		text: 'What waits for it is cancelled, what runs there is given up as lost, and it is sent nothing more.',
	},
	recommission: {
		title: 'Recommission',
		action: 'Take into service',
		text: 'It may be sent commands again.',
	},
};

const path = (node: string, act: Act) => `/nodes/${encodeURIComponent(node)}/${act}`;

/** A wish to a node is a command of its own: it waits where the node is away. */
export async function ask(node: string, act: Act, body: Readonly<Record<string, unknown>>): Promise<void> {
	const { handle, presence } = await api<Receipt>(path(node, act), { method: 'POST', body });
	toast(
		<>
			{presence.status === 'present' ? 'The node is asked:' : 'It waits for the node to come back:'}{' '}
			<Link to={commandPath(handle)}>{act}</Link>.
		</>,
	);
}

async function decommission(node: string, body: Readonly<Record<string, unknown>>): Promise<void> {
	const { settled, cancelled, lost } = await api<{ settled: boolean; cancelled: number; lost: number }>(
		path(node, 'decommission'),
		{ method: 'POST', body },
	);
	toast(
		settled
			? `Out of service: ${plural(cancelled, 'command')} cancelled, ${lost} given up.`
			: 'Out of service. What waited or ran there is given its end by the centre in a moment.',
	);
}

async function recommission(node: string): Promise<void> {
	const { recommissioned } = await api<{ recommissioned: boolean }>(path(node, 'recommission'), {
		method: 'POST',
		body: {},
	});
	toast(recommissioned ? 'In service again.' : 'It was in service.', recommissioned ? 'ok' : 'warn');
}

export function NodeActions({ view, onDone }: { view: NodeView; onDone: () => void }) {
	const open = useSignal<Act | undefined>(undefined);
	const method = useSignal('');
	const { node } = view;
	const held = view.lanes.some(({ pause }) => pause !== null) || view.stopped.length > 0;
	const out = view.decommissioned !== null;
	const no = blocked.value || (out ? 'it is out of service' : '');
	async function confirm(act: Act, reason: string): Promise<void> {
		const body = reason === '' ? {} : { reason };
		if (act === 'decommission') await decommission(node, body);
		else if (act === 'recommission') await recommission(node);
		else await ask(node, act, act === 'stop' ? { ...body, method: method.value } : body);
		onDone();
	}
	return (
		<>
			<ButtonLink to={`/send?to=${encodeURIComponent(node)}`} icon="send" kind={no ? 'plain' : 'primary'}>
				Send
			</ButtonLink>
			<Button icon="pause" blocked={no} onClick={() => (open.value = 'pause')}>
				Pause
			</Button>
			<Button
				icon="play"
				blocked={no || (held ? '' : 'nothing is paused, drained or stopped')}
				onClick={() => (open.value = 'resume')}
			>
				Resume
			</Button>
			<Button icon="drain" blocked={no} onClick={() => (open.value = 'drain')}>
				Drain
			</Button>
			<Button
				icon="stop"
				blocked={no || (view.methods.length === 0 ? 'it has not said which methods it has' : '')}
				onClick={() => {
					method.value = view.methods[0]?.name ?? '';
					open.value = 'stop';
				}}
			>
				Stop a method
			</Button>
			<Button
				kind="danger"
				blocked={blocked.value}
				onClick={() => (open.value = out ? 'recommission' : 'decommission')}
			>
				{out ? 'Recommission' : 'Decommission'}
			</Button>
			{open.value !== undefined && (
				<ConfirmDialog
					title={`${words[open.value].title} ${node}`}
					action={words[open.value].action}
					danger={open.value === 'decommission'}
					withReason={open.value !== 'recommission'}
					onClose={() => (open.value = undefined)}
					onConfirm={(reason) => confirm(open.value ?? 'pause', reason)}
				>
					<p>{words[open.value].text}</p>
					{open.value === 'stop' && <MethodChoice method={method} view={view} />}
				</ConfirmDialog>
			)}
		</>
	);
}

function MethodChoice({ method, view }: { method: Signal<string>; view: NodeView }) {
	return (
		<Field label="Method">
			{(id) => (
				<select
					id={id}
					class="select"
					value={method.value}
					onChange={(event) => {
						method.value = event.currentTarget.value;
					}}
				>
					{view.methods.map(({ name }) => (
						<option key={name} value={name}>
							{name}
						</option>
					))}
				</select>
			)}
		</Field>
	);
}
