// How figures, times and bytes are shown.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const some = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const known = (n) => n !== null && n !== undefined && !Number.isNaN(n);

export const count = (n) => known(n) ? whole.format(n) : "–";
export const brief = (n) => !known(n) ? "–" : Math.abs(n) < 10 ? some.format(n) : short.format(n);

// plural says how many of something there are.
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(n) {
	if (!known(n)) return "–";
	let unit = 0;
	for (; Math.abs(n) >= 1024 && unit < units.length - 1; unit++) n /= 1024;
	return `${n < 10 && unit > 0 ? some.format(n) : whole.format(n)} ${units[unit]}`;
}

// span is a length of time, of milliseconds.
export function span(ms) {
	if (!known(ms)) return "–";
	const size = Math.abs(ms);
	if (size === 0) return "0 s";
	if (size < 1) return `${Math.round(ms * 1000)} µs`;
	if (size < 1000) return `${size < 10 ? some.format(ms) : whole.format(ms)} ms`;
	const seconds = ms / 1000;
	if (size < 60_000) return `${size < 10_000 ? some.format(seconds) : whole.format(seconds)} s`;
	if (size < 3_600_000) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
	if (size < 86_400_000) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60 % 60)} min`;
	return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600 % 24)} h`;
}

const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

// clock is the time of day of unix milliseconds, day its date, in the browser's own time zone.
export const clock = (ms) => hours.format(ms);
export const minute = (ms) => clock(ms).slice(0, 5);
export const day = (ms) => days.format(ms);

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

// Bytes that may be no text come as name or, in base64, as name_b64.
export function bytesOf(object, name) {
	const encoded = object[`${name}_b64`];
	if (encoded !== undefined) return Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
	return encoder.encode(object[name] ?? "");
}

// textOf gives bytes as text, null when they are none.
export function textOf(raw) {
	try {
		return utf8.decode(raw);
	} catch {
		return null;
	}
}

const control = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

// shown gives bytes so that a person can read them in one line: what is no text, and what would not be seen or
// would turn the line around, as \xNN.
export function shown(raw) {
	const text = textOf(raw);
	if (text === null) return Array.from(raw, (b) => b > 31 && b < 127 ? String.fromCharCode(b) : hex(b)).join("");
	return text.replace(control, (c) => Array.from(encoder.encode(c), hex).join(""));
}

export const hex = (b) => `\\x${b.toString(16).padStart(2, "0")}`;

// plainly is shown for a string.
export const plainly = (text) => shown(encoder.encode(text ?? ""));

// base64 is that of bytes.
export function base64(raw) {
	let text = "";
	for (let at = 0; at < raw.length; at += 0x8000) text += String.fromCharCode(...raw.subarray(at, at + 0x8000));
	return btoa(text);
}
