/**
 * Owns the way to the code of a page: it is fetched when it is first opened, and kept.
 * Promises a word and a way out where it cannot be had (the server was replaced by another version meanwhile).
 * Dies with the page.
 */

import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { Skeleton } from '../ui/panel.tsx';

/** What each page is given: the node, handle or schedule of its address; empty on a list. */
export type PageProps = { id: string };
type PageModule = { default: ComponentType<PageProps> };

const files = import.meta.glob<PageModule>('./*.tsx');
const loaded = signal<ReadonlyMap<string, ComponentType<PageProps> | Error>>(new Map());
const asked = new Set<string>();

/** `name` is a file of this folder. Fetches it, if it is not here yet. */
export async function fetchPage(name: string): Promise<void> {
	if (asked.has(name)) return;
	asked.add(name);
	let page: ComponentType<PageProps> | Error;
	try {
		const found = files[`./${name}.tsx`];
		page = found ? (await found()).default : new Error(`there is no page ${name}`);
	} catch (error) {
		asked.delete(name);
		page = error instanceof Error ? error : new Error(String(error));
	}
	loaded.value = new Map(loaded.value).set(name, page);
}

export function Page({ name, id }: { name: string; id: string }) {
	const Known = loaded.value.get(name);
	if (Known === undefined) {
		fetchPage(name);
		return (
			<div class="page">
				<Skeleton lines={4} />
			</div>
		);
	}
	if (Known instanceof Error) {
		return (
			<div class="page">
				<Banner tone="bad" action={<Button onClick={() => location.reload()}>Load again</Button>}>
					This page could not be fetched: {Known.message}
				</Banner>
			</div>
		);
	}
	return <Known key={`${name}/${id}`} id={id} />;
}
