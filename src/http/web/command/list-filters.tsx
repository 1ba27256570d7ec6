/**
 * Owns what narrows the list of commands: words, node, method, states, since when.
 * Promises that all of it stands in the address, and nowhere else.
 */

import { commandStates } from '../../../domain/state.ts';
import { totals } from '../live.ts';
import { query, setQuery } from '../route.tsx';
import { Button } from '../ui/button.tsx';
import { Chip, SearchBox } from '../ui/search-box.tsx';
import { spaced } from '../words.ts';
import { filterOf } from './list.ts';
import './bare-set.css';

export function Filters() {
	const { states, node, method, since, schedule, search } = filterOf(query.value);
	const counts = totals.value?.commands;
	const named = [
		['node', node],
		['method', method],
		['schedule', schedule],
	].filter(([, value]) => value !== '');
	return (
		<div class="filters">
			<div class="filter-row">
				<SearchBox
					value={search}
					label="Search commands"
					placeholder="Handle or method"
					onChange={(value) => setQuery({ search: value })}
				/>
				<Narrow name="node" label="Node" value={node} />
				<Narrow name="method" label="Method" value={method} />
				<select
					class="select since"
					aria-label="Queued since"
					value={since}
					onChange={({ currentTarget }) => setQuery({ since: currentTarget.value })}
				>
					<option value="">any time</option>
					<option value="15m">last 15 min</option>
					<option value="1h">last hour</option>
					<option value="1d">last day</option>
					<option value="7d">last 7 days</option>
					{!['', '15m', '1h', '1d', '7d'].includes(since) && <option value={since}>since {since}</option>}
				</select>
				{(named.length > 0 || states.length > 0 || since !== '' || search !== '') && (
					<Button
						kind="quiet"
						icon="close"
						onClick={() => setQuery({ node: '', method: '', schedule: '', state: '', since: '', search: '' })}
					>
						Clear
					</Button>
				)}
			</div>
			<fieldset class="chips state-chips bare-set">
				<legend class="hidden-text">States</legend>
				{commandStates.map((state) => (
					<Chip
						key={state}
						pressed={states.includes(state)}
						count={counts?.[state]}
						onPress={() => {
							const next = states.includes(state)
								? states.filter((one) => one !== state)
								: [...states, state];
							setQuery({ state: next.join(',') });
						}}
					>
						{spaced(state)}
					</Chip>
				))}
				{schedule !== '' && (
					<Chip pressed onPress={() => setQuery({ schedule: '' })}>
						schedule {schedule}
					</Chip>
				)}
			</fieldset>
		</div>
	);
}

/** A name is looked for when it is whole: while it is typed, no node has it. */
function Narrow({ name, label, value }: { name: string; label: string; value: string }) {
	return (
		<input
			class="input narrow"
			aria-label={label}
			placeholder={label}
			value={value}
			spellcheck={false}
			autoComplete="off"
			onChange={({ currentTarget }) => setQuery({ [name]: currentTarget.value.trim() })}
		/>
	);
}
