// The events of a group as they happen, the newest on top.

import { listen } from "./api.js";
import { el, pill, say, set } from "./dom.js";
import { clock } from "./format.js";
import { describe } from "./events.js";

const most = 250;

// feed listens from behind an event on, and calls heard with each.
export function feed(where, after, signal, heard) {
	const list = el("ol", { class: "feed", "aria-label": "Events, the newest first" });
	const state = el("span", { class: "pill quiet" }, "connecting");
	const pause = el("button", { type: "button", class: "plain", "aria-pressed": "false", onclick: toggle }, "Pause");
	let held = null; // while it is paused: what is to be shown later

	function toggle() {
		const resumed = held;
		held = resumed ? null : [];
		set(pause, { "aria-pressed": String(!resumed) });
		say(pause, resumed ? "Pause" : "Go on");
		if (resumed) resumed.forEach(add);
	}

	function add(event) {
		const { mood, said } = describe(event);
		list.prepend(el("li", {}, el("time", {}, event.time ? clock(event.time) : "–"),
			pill(mood, event.event), el("span", { class: "said" }, said),
			el("span", { class: "seq", title: "seq" }, event.seq ?? "")));
		while (list.children.length > most) list.lastChild.remove();
	}

	listen(where, { signal, last: after, heard({ data }) {
		if (held) {
			held.push(data);
			held = held.slice(-most);
		} else add(data);
		heard(data);
	}, state(now) {
		say(state, now === "lost" ? "reconnecting" : now);
		set(state, { class: `pill ${now === "live" ? "good" : "warn"}` });
	} });
	return { root: list, beside: el("div", { class: "beside" }, state, pause) };
}
