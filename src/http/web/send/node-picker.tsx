/**
 * Owns the choice of nodes by name: a box with those chosen, a search over those known, and names that nobody has seen yet.
 * Promises the keys of a combobox (arrows, Enter, Escape, Backspace), and that a name which is none says why. Keeps what is being typed.
 */

import { useComputed, useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import type { NodeRow } from '../../../domain/row-schema.ts';
import { nodes as known } from '../live.ts';
import { lookOfPresence } from '../states.ts';
import { Icon } from '../ui/icon.tsx';
import { type Offer, suggestNodes } from './suggest.ts';

type PickerProps = {
	id: string;
	described?: string | undefined;
	wrong?: boolean;
	chosen: readonly string[];
	onChange: (chosen: readonly string[]) => void;
};

export function NodePicker({ id, described, wrong, chosen, onChange }: PickerProps) {
	const listId = useId();
	const input = useRef<HTMLInputElement>(null);
	const text = useSignal('');
	const isOpen = useSignal(false);
	const active = useSignal(0);
	const taken = useSignal(chosen);
	taken.value = chosen;
	const found = useComputed(() =>
		isOpen.value || text.value !== '' ? suggestNodes(known.value ?? new Map(), text.value, taken.value) : [],
	);
	const offers = isOpen.value ? found.value : [];

	function take(offer: Offer | undefined): void {
		if (!offer || offer.problem !== undefined) return;
		text.value = '';
		active.value = 0;
		if (!chosen.includes(offer.name)) onChange([...chosen, offer.name]);
	}

	/** What stands there letter by letter, and not what it may have been meant for. */
	function takeTyped(): void {
		const typed = text.value.trim();
		take(suggestNodes(known.value ?? new Map(), typed, chosen).find(({ name }) => name === typed));
	}

	function press(event: KeyboardEvent): void {
		const typed = text.value.trim();
		const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
		const step = steps[event.key];
		if (step !== undefined) {
			isOpen.value = true;
			active.value = offers.length === 0 ? 0 : (active.value + step + offers.length) % offers.length;
		} else if (event.key === 'Enter' && typed !== '') take(offers[active.value]);
		else if (event.key === ',' || event.key === ' ') takeTyped();
		else if (event.key === 'Escape' && isOpen.value) isOpen.value = false;
		else if (event.key === 'Backspace' && text.value === '') return onChange(chosen.slice(0, -1));
		else return;
		event.preventDefault();
	}

	return (
		<div class="pick">
			{/* biome-ignore lint/a11y/noStaticElementInteractions: the box leads to its input, which the keyboard reaches by itself */}
			{/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
			<div class="pick-box" data-wrong={wrong || undefined} onClick={() => input.current?.focus()}>
				{chosen.map((name) => (
					<span class="pick-chip" key={name}>
						<PresenceIcon row={known.value?.get(name)} />
						<span class="clip" title={name}>
							{name}
						</span>
						<button
							type="button"
							aria-label={`Remove ${name}`}
							onClick={(event) => {
								event.stopPropagation();
								onChange(chosen.filter((one) => one !== name));
								input.current?.focus();
							}}
						>
							<Icon name="close" size={12} />
						</button>
					</span>
				))}
				<input
					ref={input}
					id={id}
					role="combobox"
					aria-expanded={offers.length > 0}
					aria-controls={listId}
					aria-autocomplete="list"
					aria-activedescendant={offers.length > 0 ? `${listId}-${active.value}` : undefined}
					aria-describedby={described}
					aria-invalid={wrong || undefined}
					value={text.value}
					placeholder={chosen.length === 0 ? 'ship1' : ''}
					autoComplete="off"
					autoCapitalize="off"
					spellcheck={false}
					onInput={({ currentTarget }) => {
						text.value = currentTarget.value;
						isOpen.value = true;
						active.value = 0;
					}}
					onFocus={() => {
						isOpen.value = chosen.length === 0;
					}}
					onBlur={() => {
						isOpen.value = false;
						takeTyped();
					}}
					onKeyDown={press}
				/>
			</div>
			<div class="pick-list" id={listId} role="listbox" aria-label="Nodes" hidden={offers.length === 0}>
				{offers.map(({ name, row, problem }, index) => (
					// biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the box
					<div
						key={name}
						id={`${listId}-${index}`}
						role="option"
						tabIndex={-1}
						aria-selected={index === active.value}
						aria-disabled={problem === undefined ? undefined : true}
						onPointerDown={(event) => event.preventDefault()}
						onClick={() => take({ name, row, problem })}
					>
						<PresenceIcon row={row} />
						<span class="name">{name}</span>
						<span class="said">
							{problem ??
								(row ? lookOfPresence(row.presence).word : 'nobody has seen it: it waits until it comes')}
						</span>
					</div>
				))}
			</div>
		</div>
	);
}

function PresenceIcon({ row }: { row: NodeRow | undefined }) {
	const { icon, tone } = lookOfPresence(row?.presence ?? 'never');
	return <Icon name={icon} tone={tone} size={12} />;
}
