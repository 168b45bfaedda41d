// The state of the ensemble, asked for again and again, and told to whoever wants to know.

import { get, Refusal, Silence } from "./api.js";

const often = 2000;

// pulse has what is known: the last status, when it came, and whether the node answers (ok, silent, refused).
export const pulse = { status: null, at: 0, rate: null, state: "new", problem: null };

const listeners = new Set();

// follow has tell called with pulse now and after every beat, once something is known; it gives what ends that.
export function follow(tell) {
	return hear(() => { if (pulse.status) tell(pulse); });
}

// hear is follow for who also wants to be told when nothing is known yet.
export function hear(tell) {
	listeners.add(tell);
	if (pulse.state !== "new") tell(pulse);
	return () => listeners.delete(tell);
}

let timer = 0;
let asking = null;

// beat asks once, and sets the next time.
export async function beat() {
	clearTimeout(timer);
	asking?.abort();
	const mine = asking = new AbortController();
	const begun = performance.now();
	try {
		take(await get("/v1/status", mine.signal, 6000), begun);
	} catch (problem) {
		if (mine.signal.aborted) return;
		if (!(problem instanceof Refusal) && !(problem instanceof Silence)) throw problem;
		Object.assign(pulse, { state: problem instanceof Silence ? "silent" : "refused", problem });
	}
	for (const tell of [...listeners]) tell(pulse);
	if (pulse.problem?.locked) return; // until somebody logs in
	const took = performance.now() - begun;
	timer = setTimeout(beat, pulse.state === "silent" ? 700 : document.hidden ? 15_000 : Math.max(often, 4 * took));
}

// take notes a status, and how fast the log grows.
function take(status, at) {
	const before = pulse.status;
	const passed = (at - pulse.at) / 1000;
	const same = before && before.cluster_id === status.cluster_id && status.commit >= before.commit;
	const rate = same && passed > 0.2 ? (status.commit - before.commit) / passed : pulse.rate;
	Object.assign(pulse, { status, at, rate, state: "ok", problem: null });
}

document.addEventListener("visibilitychange", () => {
	if (!document.hidden && pulse.state !== "new") beat();
});
