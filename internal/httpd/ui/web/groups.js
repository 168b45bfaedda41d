// The list of groups.

import { card, el, heading, pill, say, search } from "./dom.js";
import { count, plainly, plural } from "./format.js";
import { follow } from "./status.js";
import { table } from "./table.js";

export function groups(root, { query }) {
	let sought = query.get("q") ?? "";
	let known = [];
	const list = table({ label: "Groups", columns, key: (row) => row.name, hint: "Search for fewer.",
		empty: "There is no such group." });
	const total = el("p", { class: "quiet" });

	function show() {
		const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
		const found = known.filter((group) => words.every((word) =>
			group.name.toLowerCase().includes(word) || group.leader?.toLowerCase().includes(word)));
		list.show(found);
		say(total, found.length === known.length ? plural(known.length, "group")
			: `${count(found.length)} of ${plural(known.length, "group")}`);
	}

	const field = search("Search groups and leaders", sought, (text) => {
		sought = text;
		history.replaceState(null, "", `#/groups${text ? `?q=${encodeURIComponent(text)}` : ""}`);
		show();
	});
	root.append(heading("Groups", total, field), card("All groups", null, list.root));
	return follow(({ status }) => {
		known = status.groups;
		show();
	});
}

// stateOf says in a word how a group is.
export function stateOf(group) {
	if (group.size === 0) return pill("quiet", "empty");
	return pill(group.state === "settled" ? "good" : "warn", group.state);
}

const number = (field, spare = "") => ({ class: `figure ${spare}`, cell: (g) => count(g[field]), order: (g) => g[field] });

const columns = [
	{ name: "Group", class: "name", order: (g) => g.name, cell: (g) => el("a", { "data-row": true,
		href: `#/groups/${encodeURIComponent(g.name)}` }, plainly(g.name)) },
	{ name: "State", order: (g) => g.state, cell: (g) => stateOf(g) },
	{ name: "Members", ...number("size") },
	{ name: "Leader", order: (g) => g.leader ?? "", cell: (g) => g.leader === null
		? el("span", { class: "quiet" }, "none") : plainly(g.leader) },
	{ name: "Term", ...number("term", "spare") },
	{ name: "Slots", class: "figure", order: (g) => g.slots, cell: (g) => g.slots ? count(g.slots) : "–" },
	{ name: "Epoch", ...number("epoch", "spare") },
];
