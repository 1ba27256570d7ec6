/**
 * Owns how a tick's moment is said: as the clocks of its zone show it, and as the browser's do where they differ.
 * Promises the day of the week, and seconds only where there are some. Pure but for the browser's zone.
 */

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `Tue 24 Nov 2026, 03:00` of `2026-11-24T03:00:00+01:00`. */
export function localWords(local: string): string {
	const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)(:\d\d)?/.exec(local);
	if (!parts) return local;
	const [, year = '', month = '', day = '', time = '', seconds = ''] = parts;
	const weekday = days[new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDay()];
	const name = months[Number(month) - 1];
	return `${weekday} ${Number(day)} ${name} ${year}, ${time}${seconds === ':00' ? '' : seconds}`;
}

/** `12:00 here`, with the day where it is another one; empty where the browser's clock shows the same. */
export function hereWords(tick: string, local: string): string {
	const at = new Date(tick);
	const two = (amount: number) => String(amount).padStart(2, '0');
	const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
	const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
	if (local.startsWith(`${date}T${time}`)) return '';
	return local.startsWith(date) ? `${time} here` : `${days[at.getDay()]} ${time} here`;
}
