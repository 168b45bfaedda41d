// The picture of the nodes: a ring, who leads, and how the others follow. Elements stay while their node does, so
// that what moves goes on moving.

import { say, set, svg } from "./dom.js";
import { count, plural } from "./format.js";

const high = 372;
const middle = { x: 280, y: high / 2 };
const small = matchMedia("(max-width: 760px)");
const behind = 1000; // entries of lag from which on a node is shown as behind

// health says how a node is: a mood, and in words.
export function health(node) {
	switch (true) {
	case node.role === "leader": return { mood: "good", text: "leader" };
	case node.role === "unreachable": return { mood: "bad", text: "unreachable" };
	case node.disk === "hung" || node.disk === "low": return { mood: "warn", text: `its disk is ${node.disk}` };
	case node.role === "candidate": return { mood: "warn", text: "candidate" };
	case node.role === "learner": return { mood: "quiet", text: "learning" };
	case node.lag === null: return { mood: "quiet", text: "follower" };
	case node.lag > behind || node.contact_ms > 2000:
		return { mood: "warn", text: `${count(node.lag)} behind` };
	}
	return { mood: "good", text: node.lag > 0 ? `${count(node.lag)} behind` : "in step" };
}

// places puts n nodes on a ring, the first one on top.
function places(n) {
	if (n === 1) return [middle];
	const begin = n === 2 ? Math.PI : -Math.PI / 2;
	const ring = Array.from({ length: n }, (_, i) => {
		const angle = begin + 2 * Math.PI * i / n;
		return { x: middle.x + (small.matches ? 122 : 186) * Math.cos(angle),
			y: middle.y + (n === 2 ? 0 : 112 * Math.sin(angle)) };
	});
	const ys = ring.map((place) => place.y);
	const off = middle.y - (Math.min(...ys) + Math.max(...ys)) / 2; // an odd ring is not in the middle
	return ring.map(({ x, y }) => ({ x, y: y + off }));
}

export function picture() {
	const links = svg("g", { class: "links" });
	const seats = svg("g");
	const root = svg("svg", { class: "ring", role: "img" }, links, seats);
	const nodes = new Map(); // by name
	const lines = new Map(); // by both names
	let last = null;
	const again = () => last && show(last);
	small.addEventListener("change", again);

	function show(status) {
		last = status;
		const all = status.nodes.toSorted((a, b) => a.id - b.id);
		const at = places(all.length);
		const leader = all.findIndex((node) => node.role === "leader");
		set(root, { viewBox: small.matches ? `90 0 380 ${high}` : `0 0 560 ${high}`, "aria-label": `${plural(all.length, "node")}: `
			+ all.map((node) => `${node.name} ${health(node).text}`).join(", ") });
		keep(nodes, all.map((node) => node.name));
		all.forEach((node, i) => place(node, at[i], node.name === status.name));
		const pairs = all.flatMap((a, i) => all.slice(i + 1).map((b, j) => [i, i + 1 + j]));
		keep(lines, pairs.map(([i, j]) => `${all[i].name} ${all[j].name}`));
		for (const [i, j] of pairs) link(`${all[i].name} ${all[j].name}`, all, at, i, j, leader);
		if (leader >= 0 && status.quorum) throb(nodes.get(all[leader].name).halo);
	}

	function keep(known, names) {
		for (const [name, { element }] of known) {
			if (names.includes(name)) continue;
			element.remove();
			known.delete(name);
		}
	}

	function place(node, at, own) {
		if (!nodes.has(node.name)) nodes.set(node.name, seat(seats));
		const known = nodes.get(node.name);
		const { mood, text } = health(node);
		const leads = node.role === "leader";
		set(known.element, { transform: `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`,
			class: `peer ${leads ? "leads" : mood}`, "data-role": node.role });
		set(known.glyph, { d: glyphs[leads ? "leads" : mood] });
		const above = at.y < middle.y - 1; // what is written stands outside of the ring
		set(known.name, { y: above ? -53 : 49 });
		set(known.text, { y: above ? -36 : 66 });
		say(known.name, node.name.length > 18 ? `${node.name.slice(0, 17)}…` : node.name);
		say(known.text, own ? `${text} · this node` : text);
		say(known.title, `${node.name}, ${node.addr}`);
	}

	function link(name, all, at, i, j, leader) {
		if (!lines.has(name)) {
			const element = svg("g", {}, svg("line", { class: "wire" }), svg("line", { class: "flow" }));
			links.append(element);
			lines.set(name, { element });
		}
		const { element } = lines.get(name);
		const [from, to] = j === leader ? [j, i] : [i, j]; // what flows flows from the leader
		const led = from === leader;
		const down = all[i].role === "unreachable" || all[j].role === "unreachable";
		set(element, { class: down ? led ? "link bad" : "link gone" : led ? `link led ${health(all[to]).mood}` : "link" });
		const ends = trimmed(at[from], at[to], 34);
		for (const line of element.children) set(line, ends);
	}

	return { root, show, close: () => small.removeEventListener("change", again) };
}

function seat(into) {
	const [halo, disc, glyph, name, text, title] = [svg("circle", { class: "halo", r: 26 }),
		svg("circle", { class: "disc", r: 26 }), svg("path", { class: "glyph" }), svg("text", { class: "label" }),
		svg("text", { class: "state" }), svg("title")];
	const element = svg("g", {}, title, halo, disc, glyph, name, text);
	into.append(element);
	return { element, halo, glyph, name, text, title };
}

// glyphs say what the colours say: a crown, a tick, a clock, three dots, a cross.
const glyphs = { leads: "M-11 -7l5.5 6.5 5.5-9 5.5 9 5.5-6.5v15h-22z", good: "M-9 0.5l6 6.5 12-13",
	warn: "M0 -10v10.5l7 4.5", quiet: "M-8 0h.1M0 0h.1M8 0h.1", bad: "M-7.5 -7.5l15 15M7.5 -7.5l-15 15" };

// trimmed gives the ends of a line that stops short of both discs.
function trimmed(a, b, by) {
	const length = Math.hypot(b.x - a.x, b.y - a.y);
	const x = (b.x - a.x) / length * by, y = (b.y - a.y) / length * by;
	return { x1: (a.x + x).toFixed(1), y1: (a.y + y).toFixed(1), x2: (b.x - x).toFixed(1), y2: (b.y - y).toFixed(1) };
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

// throb shows one beat.
function throb(halo) {
	if (still.matches) return;
	halo.animate([{ transform: "scale(1)", opacity: 0.5 }, { transform: "scale(1.7)", opacity: 0 }],
		{ duration: 1200, easing: "ease-out" });
}
