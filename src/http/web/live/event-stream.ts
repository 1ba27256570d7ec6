/**
 * Owns the reading of server-sent events from the bytes of an answer.
 * Promises the events of the standard's parser, wherever the bytes were cut, and an end to a line that has none.
 * Keeps what has come of an event that is not whole; it dies with the connection, and the server says it again.
 */

export type ServerEvent = { readonly event: string; readonly id: string | undefined; readonly data: string };

/** Of one event: a frame with everything that changed in a fleet of 10,000 is a few megabytes. */
const mostCharacters = 64 * 1024 * 1024;

export class EventReader {
	#rest = '';
	#event = '';
	#id: string | undefined;
	#data: string[] = [];

	/** The events that are whole with this piece of text. @throws RangeError where one grows beyond all bounds */
	read(text: string): ServerEvent[] {
		const events: ServerEvent[] = [];
		const whole = this.#rest + text;
		let from = 0;
		for (;;) {
			const end = whole.indexOf('\n', from);
			if (end < 0) break;
			const line =
				whole.charCodeAt(end - 1) === 13 && end > from ? whole.slice(from, end - 1) : whole.slice(from, end);
			from = end + 1;
			const event = this.#line(line);
			if (event) events.push(event);
		}
		this.#rest = whole.slice(from);
		if (this.#rest.length > mostCharacters) throw new RangeError('the stream sent a line without an end');
		return events;
	}

	#line(line: string): ServerEvent | undefined {
		if (line === '') return this.#dispatch();
		const colon = line.indexOf(':');
		if (colon === 0) return undefined;
		const name = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
		if (name === 'data') this.#data.push(value);
		else if (name === 'event') this.#event = value;
		else if (name === 'id') this.#id = value;
		return undefined;
	}

	#dispatch(): ServerEvent | undefined {
		const [event, id, data] = [this.#event, this.#id, this.#data];
		this.#event = '';
		this.#id = undefined;
		this.#data = [];
		if (data.length === 0) return undefined;
		return { event: event === '' ? 'message' : event, id, data: data.join('\n') };
	}
}
