/**
 * Owns dialogs: the browser's own modal, with a title, a body and what may be done.
 * Promises that Escape closes it, that the focus goes back to where it was, and that a failure is said in the dialog that caused it.
 * Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { blocked } from '../blocked.ts';
import { Banner } from './banner.tsx';
import { Button } from './button.tsx';
import { Field } from './field.tsx';

type DialogProps = {
	title: string;
	onClose: () => void;
	wide?: boolean;
	children: ComponentChildren;
	/** What stands at its foot. */
	actions?: ComponentChildren;
};

/** Open as long as it is rendered. */
export function Dialog({ title, onClose, wide, children, actions }: DialogProps) {
	const ref = useRef<HTMLDialogElement>(null);
	const titleId = useId();
	useEffect(() => {
		const before = document.activeElement;
		ref.current?.showModal();
		// What is to be filled in or done, rather than the way out.
		const first = ref.current?.querySelector(
			'.dialog-body :is(input, select, textarea), .dialog-foot button',
		);
		if (first instanceof HTMLElement) first.focus();
		return () => {
			if (before instanceof HTMLElement && before.isConnected) before.focus();
		};
	}, []);
	return (
		<dialog
			ref={ref}
			class={wide ? 'dialog wide' : 'dialog'}
			aria-labelledby={titleId}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
			onClick={(event) => event.target === ref.current && onClose()}
			onKeyDown={(event) => event.stopPropagation()}
		>
			<div class="dialog-head">
				<h2 id={titleId}>{title}</h2>
				<Button kind="quiet" icon="close" label="Close" onClick={onClose} />
			</div>
			<div class="dialog-body">{children}</div>
			{actions && <div class="dialog-foot">{actions}</div>}
		</dialog>
	);
}

type ConfirmProps = {
	title: string;
	/** What the button does, as a verb: `Cancel 12 commands`. */
	action: string;
	danger?: boolean;
	/** Asks for a reason, which may stay empty. */
	withReason?: boolean;
	children?: ComponentChildren;
	onClose: () => void;
	/** Closes when it is done; what it throws is shown. */
	onConfirm: (reason: string) => Promise<void>;
};

export function ConfirmDialog(props: ConfirmProps) {
	const { title, action, danger, withReason, children, onClose, onConfirm } = props;
	const form = useId();
	const reason = useSignal('');
	const busy = useSignal(false);
	const failure = useSignal<string | undefined>(undefined);
	async function confirm(): Promise<void> {
		if (busy.value || blocked.value !== '') return;
		busy.value = true;
		failure.value = undefined;
		try {
			await onConfirm(reason.value.trim());
			onClose();
		} catch (error) {
			failure.value = error instanceof Error ? error.message : String(error);
		} finally {
			busy.value = false;
		}
	}
	return (
		<Dialog
			title={title}
			onClose={onClose}
			actions={
				<>
					<Button onClick={onClose}>Back</Button>
					<Button
						kind={danger ? 'destroy' : 'primary'}
						type="submit"
						form={form}
						busy={busy.value}
						blocked={blocked.value}
					>
						{action}
					</Button>
				</>
			}
		>
			<form
				id={form}
				class="dialog-form"
				onSubmit={(event) => {
					event.preventDefault();
					confirm();
				}}
			>
				{children}
				{withReason && (
					<Field label="Reason" hint="optional: it is shown to whoever wonders later">
						{(id) => (
							<input
								id={id}
								class="input"
								value={reason.value}
								maxLength={200}
								autoComplete="off"
								onInput={(event) => {
									reason.value = event.currentTarget.value;
								}}
							/>
						)}
					</Field>
				)}
			</form>
			{failure.value !== undefined && <Banner tone="bad">{failure.value}</Banner>}
			{blocked.value !== '' && <Banner tone="warn">This cannot be done now: {blocked.value}.</Banner>}
		</Dialog>
	);
}
