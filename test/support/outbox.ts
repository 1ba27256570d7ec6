/**
 * Owns bounds of an outbox that no test comes near to.
 * Promises nothing else.
 * Has no state.
 */

export const roomy = {
	bounds: { maxBytes: 1e12, maxReportBytes: 1e12 },
	uplink: { messagesPerSecond: 1e9, bytesPerSecond: 1e12 },
} as const;
