/**
 * Owns which form of the tests runs: the short one, or with `npm run test:long` everything.
 * Promises that what only the long form runs is shown as skipped in the short one.
 * Pure.
 */

export const isLong = process.env.STEWARD_LONG === '1';
