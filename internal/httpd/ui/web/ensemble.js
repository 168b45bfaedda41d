// The first view: the nodes, and how they are.

import { card, el, heading, pill, tile } from "./dom.js";
import { brief, bytes, count, plural, span } from "./format.js";
import { health, picture } from "./picture.js";
import { follow } from "./status.js";
import { table } from "./table.js";

export function ensemble(root) {
	const drawing = picture();
	const tiles = Object.fromEntries(["Leader", "Term", "Entries", "Groups", "Sessions", "Connections"]
		.map((label) => [label, tile(label)]));
	const nodes = table({ label: "Nodes", columns, key: (row) => row.name, empty: "No nodes are known yet." });
	root.append(heading("Ensemble"),
		el("div", { class: "split" },
			el("section", { class: "card", "aria-label": "Picture of the nodes" }, drawing.root),
			el("dl", { class: "tiles" }, Object.values(tiles).map((t) => t.root))),
		card("Nodes", null, nodes.root));
	const stop = follow(({ status, rate }) => {
		drawing.show(status);
		const sum = (name) => status.nodes.reduce((all, node) => all + (node[name] ?? 0), 0);
		const up = status.nodes.filter((node) => node.role !== "unreachable").length;
		const settling = status.groups.filter((group) => group.state === "settling" && group.size > 0).length;
		tiles.Leader.show(status.leader ?? "none", status.quorum ? "of the log" : "no majority",
			status.leader && status.quorum ? "" : "bad");
		tiles.Term.show(count(status.term), `${up} of ${plural(status.nodes.length, "node")} in touch`);
		tiles.Entries.show(count(status.commit), rate === null ? "" : `${brief(rate)} a second`);
		tiles.Groups.show(count(status.groups.length), settling ? `${count(settling)} settling` : "none is settling");
		tiles.Sessions.show(count(sum("sessions")), "attached to the nodes");
		tiles.Connections.show(count(sum("connections")), "of Redis clients");
		nodes.show(status.nodes.map((node) => ({ ...node, own: node.name === status.name })));
	});
	return () => {
		stop();
		drawing.close();
	};
}

// clock says by how much a wall clock is ahead of the ensemble's.
function clock(ms) {
	if (ms === null) return "–";
	if (Math.abs(ms) < 2) return "in step";
	return el("span", { class: Math.abs(ms) > 500 ? "warn" : null }, `${ms > 0 ? "+" : "−"}${span(Math.abs(ms))}`);
}

const columns = [
	{ name: "Node", class: "name", cell: (n) => [el("a", { href: `${location.protocol}//${n.http}/`, "data-row": true,
		title: `The dashboard of ${n.name}` }, n.name), n.own && el("span", { class: "quiet" }, " this one")] },
	{ name: "Role", cell: (n) => pill(n.role === "leader" ? "accent" : health(n).mood, n.role) },
	{ name: "In step", cell: (n) => n.lag === null ? "–" : n.lag === 0 ? "yes" : `${count(n.lag)} behind` },
	{ name: "Heard", class: "figure", cell: (n) => n.role === "leader" || n.contact_ms === null ? "–"
		: `${span(n.contact_ms)} ago` },
	{ name: "Applied", class: "figure spare", cell: (n) => count(n.applied) },
	{ name: "Disk", class: "figure", cell: (n) => n.disk && n.disk !== "ok" ? pill("bad", n.disk)
		: n.disk_free === null ? "–" : `${bytes(n.disk_free)} free` },
	{ name: "Clock", class: "figure", cell: (n) => clock(n.clock_ms) },
	{ name: "Sessions", class: "figure", cell: (n) => count(n.sessions) },
	{ name: "Clients", class: "figure", cell: (n) => count(n.connections) },
	{ name: "Version", cell: (n) => n.version || "–" },
	{ name: "Address", class: "mono wide", cell: (n) => n.addr },
];
