/**
 * Owns the schema of a time in the JSON contract.
 * Promises the one form in which times leave the program.
 * Pure.
 */

import { z } from 'zod';

/** RFC 3339, UTC, milliseconds. */
export const time = z.iso.datetime({ precision: 3 }).describe('RFC 3339, UTC, milliseconds');
