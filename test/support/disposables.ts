/**
 * Owns things of a test that are made one after another and end together.
 * Promises that they end in reverse, each also when another fails to.
 * Lives as long as the test.
 */

export type Disposables = AsyncDisposable & { use<Thing extends AsyncDisposable>(thing: Thing): Thing };

export function disposables(): Disposables {
	const things: AsyncDisposable[] = [];
	return {
		use(thing) {
			things.push(thing);
			return thing;
		},
		async [Symbol.asyncDispose]() {
			const failures: unknown[] = [];
			for (const thing of things.splice(0).reverse()) {
				try {
					await thing[Symbol.asyncDispose]();
				} catch (error) {
					failures.push(error);
				}
			}
			if (failures.length > 0) throw new AggregateError(failures, 'not all ended well');
		},
	};
}
