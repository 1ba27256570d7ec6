/**
 * Owns group commit for what is measured: callers that come while one commit is under way are the next.
 * Promises each caller the end of its own commit. Keeps nothing: if the process dies, what was not committed is nowhere.
 */

/** @param commit Takes a batch of what callers handed over. @param most Of one batch. @returns A function that resolves when its item is committed. */
export function grouped(commit, most = Number.POSITIVE_INFINITY) {
	const waiting = [];
	let isBusy = false;
	const drain = async () => {
		isBusy = true;
		await Promise.resolve();
		while (waiting.length > 0) {
			const batch = waiting.splice(0, most);
			try {
				await commit(batch.map(({ item }) => item));
				for (const { resolve } of batch) resolve();
			} catch (error) {
				for (const { reject } of batch) reject(error);
			}
		}
		isBusy = false;
	};
	return (item) =>
		new Promise((resolve, reject) => {
			waiting.push({ item, resolve, reject });
			if (!isBusy) void drain();
		});
}
