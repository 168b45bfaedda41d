// How the node is asked: the JSON API, with the log-in, if there is one, in a header of every request. No cookie
// is used, so no other page can ask anything in the user's name.

import { base64 } from "./format.js";

const kept = "caucus.proof";
let proof = sessionStorage.getItem(kept);

export const loggedIn = () => proof !== null;

// logIn keeps what proves who the user is, until this tab is closed. Without a user it is the default user.
export function logIn(user, password) {
	proof = `Basic ${base64(new TextEncoder().encode(`${user || "default"}:${password}`))}`;
	sessionStorage.setItem(kept, proof);
}

export function logOut() {
	proof = null;
	sessionStorage.removeItem(kept);
}

// Refusal is an error that the node answered; Silence is that it did not answer.
export class Refusal extends Error {
	constructor(status, word, message) {
		super(message);
		Object.assign(this, { status, word });
	}
	get locked() { return this.status === 401; }
	get forbidden() { return this.word === "NOPERM"; }
}

export class Silence extends Error {}

let whenLocked = () => {};

// onLocked is told when the node wants to know who asks.
export function onLocked(tell) { whenLocked = tell; }

async function request(path, options) {
	const headers = { ...options.headers, "Caucus-Page": "1" };
	if (proof !== null) headers.Authorization = proof;
	let answer;
	try {
		// The browser's own credentials are certificates: there are no cookies.
		answer = await fetch(path, { cache: "no-store", credentials: "same-origin", redirect: "error", ...options, headers });
	} catch (cause) {
		throw cause.name === "AbortError" ? cause : new Silence("the node does not answer", { cause });
	}
	if (answer.ok) return answer;
	const said = await answer.json().catch(() => ({}));
	const refusal = new Refusal(answer.status, said.error ?? "ERR", said.message ?? answer.statusText);
	if (refusal.locked) whenLocked(refusal);
	throw refusal;
}

// patience is for how long an answer is waited for: more than the node takes at most.
const patience = 8000;

function bounded(signal, ms = patience) {
	const limit = AbortSignal.timeout(ms); // which is no AbortError
	return { signal: signal ? AbortSignal.any([signal, limit]) : limit };
}

// get reads an object below /v1; text reads what is none.
export async function get(path, signal, ms) {
	return read(await request(path, bounded(signal, ms)), "json");
}

export async function text(path, signal) {
	return read(await request(path, bounded(signal)), "text");
}

async function read(answer, kind) {
	try {
		return await answer[kind]();
	} catch (cause) {
		throw cause.name === "AbortError" ? cause : new Silence("the answer broke off", { cause });
	}
}

// commands has several commands that only read carried out in one state. What one of them answers may be an
// object with an error. A word is a string, a number or bytes.
export async function commands(all, signal) {
	const body = JSON.stringify(all.map((words) => words.map(
		(word) => word instanceof Uint8Array ? { b64: base64(word) } : word)));
	const answer = await request("/v1/commands", { method: "POST", body, ...bounded(signal),
		headers: { "Content-Type": "application/json" } });
	return (await read(answer, "json")).reply;
}

// path makes a path of segments, each of which may be any text.
export const path = (...segments) => "/v1/" + segments.map(encodeURIComponent).join("/");

// listen reads server-sent events for as long as it can, and begins behind the last one again when the node ends
// the stream. It tells what it hears, and whether it is listening. While nobody looks at the page it does not: a
// browser has few connections to a node for all of its tabs.
export async function listen(where, { signal, heard, state, last = "" }) {
	for (let wait = 250; !signal.aborted; wait = Math.min(2 * wait, 5000)) {
		await looked(signal);
		const away = new AbortController();
		const leave = () => document.hidden && away.abort();
		document.addEventListener("visibilitychange", leave);
		try {
			const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
			const answer = await request(where, { headers, signal: AbortSignal.any([signal, away.signal]) });
			state("live");
			wait = 250;
			for await (const event of events(answer.body)) {
				last = event.id || last;
				heard(event);
			}
		} catch (problem) {
			if (signal.aborted || problem.locked) return;
			if (!away.signal.aborted) state(problem instanceof Refusal ? problem.message : "lost");
		} finally {
			document.removeEventListener("visibilitychange", leave);
		}
		await new Promise((resume) => setTimeout(resume, wait));
	}
}

// looked waits until somebody looks at the page.
function looked(signal) {
	return new Promise((resume) => {
		const look = () => {
			if (document.hidden && !signal.aborted) return;
			document.removeEventListener("visibilitychange", look);
			resume();
		};
		document.addEventListener("visibilitychange", look);
		look();
	});
}

async function* events(body) {
	let rest = "";
	for await (const piece of body.pipeThrough(new TextDecoderStream())) {
		rest += piece;
		const blocks = rest.split("\n\n");
		rest = blocks.pop();
		for (const block of blocks) {
			const fields = Object.fromEntries(block.split("\n").map((line) => {
				const at = line.indexOf(": ");
				return at > 0 ? [line.slice(0, at), line.slice(at + 2)] : ["", ""];
			}));
			if (fields.data) yield { id: fields.id, kind: fields.event, data: JSON.parse(fields.data) };
		}
	}
}
