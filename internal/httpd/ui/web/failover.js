// What is said when something is wrong with the node that serves this page, and the way to another one. The page
// goes there as a whole, so no node ever answers to a page of another.

import { say, set } from "./dom.js";
import { hear } from "./status.js";

// arrived is the node that this page was shown by before, as its address says, null for none.
export const arrived = new URLSearchParams(location.search).get("from");
if (arrived !== null) history.replaceState(null, "", location.pathname + location.hash);

const silences = 2; // in a row, after which another node is looked for

// guide shows what is wrong in the banner, and leaves a node that does not answer.
export function guide(banner) {
	let silent = 0;
	let seeking = false;
	let greeted = arrived === null;
	let allowed = null; // the nodes that the page's policy names: those that there were when it was loaded

	function tell(mood, text) {
		set(banner, { "data-mood": mood });
		say(banner, text);
	}

	hear(({ status, state, problem }) => {
		silent = state === "silent" ? silent + 1 : 0;
		if (seeking && silent > 0) return;
		if (status) allowed ??= new Set(status.nodes.map((node) => node.http));
		const others = (status?.nodes ?? []).filter((node) => allowed.has(node.http) && node.http
			&& node.name !== status.name);
		if (state === "silent") {
			const name = status?.name ?? "The node";
			tell("bad", `${name} does not answer. ${others.length ? "Looking for another node …" : "Trying again …"}`);
			if (silent >= silences && others.length) seek(name, others);
		} else if (state === "refused") {
			const told = problem.locked || problem.forbidden; // by the page itself
			tell(told ? "" : "bad", told ? "" : problem.message);
		} else if (!status.quorum) {
			tell("warn", `${status.name} is in touch with no majority. Groups are shown as it knew them, and may be old.`);
		} else if (!greeted && status.nodes.some((node) => node.name === arrived)) {
			tell("info", `${arrived} stopped answering. This is ${status.name} now.`);
			setTimeout(() => { greeted = true; }, 8000);
		} else {
			tell("", "");
		}
	});

	// seek goes to the first node that answers, with the view that is open.
	async function seek(from, others) {
		seeking = true;
		try {
			const found = await Promise.any(others.map(async (node) => {
				const signal = AbortSignal.timeout(1500);
				await fetch(`${location.protocol}//${node.http}/healthz`,
					{ mode: "no-cors", credentials: "omit", cache: "no-store", signal });
				return node;
			}));
			tell("info", `${from} does not answer. Going on at ${found.name} …`);
			location.replace(`${location.protocol}//${found.http}/?from=${encodeURIComponent(from)}${location.hash}`);
		} catch {
			seeking = false; // nobody answers: the next beat looks again
		}
	}
}
