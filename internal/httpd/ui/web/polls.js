// Polls as they fill: how many said yes and no, and how many must say yes.

import { el, pill, say, set } from "./dom.js";
import { bytesOf, clock, count, plural, shown, span } from "./format.js";

const most = 50;

// needed says how many must say yes.
const needed = (poll) => poll.kind === "consensus" ? poll.electorate : Math.floor(poll.electorate / 2) + 1;

const moods = { open: "accent", yes: "good", no: "bad", timeout: "warn" };

export function polls() {
	const list = el("ol", { class: "polls" });
	const none = el("p", { class: "empty" }, "Nobody has called for a vote lately.");
	const known = new Map(); // by id

	function entry(id) {
		const [topic, state, kind, facts, left] = ["strong", "span", "span", "span", "span"].map((tag) => el(tag));
		const [yes, no, mark] = ["yes", "no", "mark"].map((part) => el("i", { class: part }));
		const bar = el("div", { class: "bar", role: "img" }, yes, no, mark);
		const element = el("li", { "data-poll": id }, el("div", { class: "line" }, topic, state, kind, left), bar,
			el("div", { class: "quiet" }, facts));
		return { element, topic, state, kind, facts, left, yes, no, mark, bar };
	}

	function fill(parts, poll) {
		const part = (n) => `${poll.electorate ? 100 * n / poll.electorate : 0}%`;
		const wanted = needed(poll);
		say(parts.topic, shown(bytesOf(poll, "topic")).slice(0, 300));
		if (parts.drawn !== poll.state) parts.state.replaceChildren(pill(moods[poll.state] ?? "quiet", poll.state));
		parts.drawn = poll.state;
		say(parts.kind, poll.kind);
		set(parts.kind, { class: "quiet" });
		parts.yes.style.width = part(poll.yes);
		parts.no.style.width = part(poll.no);
		parts.mark.style.left = part(wanted);
		const words = `${count(poll.yes)} yes, ${count(poll.no)} no, ${plural(poll.electorate, "member")} may vote, `
			+ `${count(wanted)} must say yes`;
		say(parts.facts, words + (poll.at ? `; to be done at ${clock(poll.at)}` : ""));
		set(parts.bar, { "aria-label": words });
	}

	return {
		root: el("div", {}, list, none),
		// show takes the polls of a group, and by how much the ensemble's clock is ahead of the browser's.
		show(all, ahead) {
			const open = (poll) => poll.state === "open" ? 0 : 1;
			const rows = all.toSorted((a, b) => open(a) - open(b) || b.poll - a.poll).slice(0, most);
			none.hidden = rows.length > 0;
			for (const [id, parts] of known) {
				if (rows.some((poll) => poll.poll === id)) continue;
				parts.element.remove();
				known.delete(id);
			}
			rows.forEach((poll, i) => {
				const parts = known.get(poll.poll) ?? entry(poll.poll);
				known.set(poll.poll, parts);
				fill(parts, poll);
				const left = poll.deadline - Date.now() - ahead;
				say(parts.left, poll.state === "open" ? left > 0 ? `${span(left)} left` : "closing" : "");
				if (list.children[i] !== parts.element) list.insertBefore(parts.element, list.children[i] ?? null);
			});
		},
	};
}
