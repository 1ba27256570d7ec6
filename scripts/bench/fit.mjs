/**
 * Owns fitting a cost to what was measured: a sum of terms, each a coefficient times what the point has of it.
 * Promises the least squares of the relative errors, no coefficient below nothing, and every point with what is left of it.
 * Pure.
 */

/**
 * @param terms Names, in the order of each row's `x`.
 * @param rows `{ at, x, y }`: where it was measured, how much of each term, and the figure.
 * @returns Coefficients by their names, and each row with `fitted` and `off`, its relative error.
 */
export function fitOf(terms, rows) {
	if (rows.length < terms.length)
		throw new TypeError(`${terms.join(', ')}: ${terms.length} terms want as many points, got ${rows.length}`);
	const coefficients = solve(terms, rows);
	const points = rows.map(({ at, x, y }) => {
		const fitted = x.reduce((sum, value, place) => sum + value * coefficients[terms[place]], 0);
		return { at, y, fitted, off: fitted / y - 1 };
	});
	return { coefficients, points };
}

/** A cost below nothing is what the noise of the points makes of one that cannot be seen in them: it is left out. */
function solve(terms, rows, out = new Set()) {
	const places = terms.flatMap((_, place) => (out.has(place) ? [] : [place]));
	const solution = leastSquares(rows.map(({ x, y }) => [...places.map((place) => x[place] / y), 1]));
	const worst = places.reduce(
		(least, place, n) => (solution[n] < (least?.value ?? 0) ? { place, value: solution[n] } : least),
		undefined,
	);
	if (worst) return solve(terms, rows, new Set([...out, worst.place]));
	return Object.fromEntries(
		terms.map((name, place) => [name, out.has(place) ? 0 : solution[places.indexOf(place)]]),
	);
}

/** @param rows Of each equation its factors, and last what they are to give. */
function leastSquares(rows) {
	const count = rows[0].length - 1;
	// The normal equations, their right side last.
	const matrix = Array.from({ length: count }, (_, row) =>
		Array.from({ length: count + 1 }, (__, column) =>
			rows.reduce((sum, one) => sum + one[row] * one[column], 0),
		),
	);
	for (let column = 0; column < count; column++) {
		const pivot = matrix
			.slice(column)
			.reduce((best, row) => (size(row, column) > size(best, column) ? row : best));
		if (size(pivot, column) === 0) throw new TypeError('the points do not tell its terms apart');
		matrix.splice(matrix.indexOf(pivot), 1);
		matrix.splice(column, 0, pivot);
		for (const row of matrix) {
			if (row === pivot) continue;
			const factor = row[column] / pivot[column];
			for (let place = column; place <= count; place++) row[place] -= factor * pivot[place];
		}
	}
	return matrix.map((row, place) => row[count] / row[place]);
}

const size = (row, column) => Math.abs(row[column]);
