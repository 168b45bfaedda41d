// A table whose rows stay while they are the same, so that a thousand of them are cheap to keep up to date. Where
// there is little room each row becomes a small card (views.css).

import { el, say, set } from "./dom.js";
import { count } from "./format.js";

const most = 2000; // rows that are shown

// table makes one. Columns have name, cell(row), and perhaps class and order(row), by which it can be sorted;
// key(row) says which row it is, stamp(row) changes when it must be drawn anew.
export function table({ label, columns, key, stamp = JSON.stringify, empty, hint = "" }) {
	const body = el("tbody");
	const heads = columns.map((column) => el("th", { scope: "col", class: column.class }, column.name));
	const none = el("p", { class: "empty", hidden: true }, empty);
	const more = el("p", { class: "more", hidden: true });
	const root = el("div", { class: "rows" }, el("table", {}, el("caption", { class: "unseen" }, label),
		el("thead", {}, el("tr", {}, heads)), body), none, more);
	const drawn = new Map(); // by key: the row's element and its stamp
	let sorted = null;
	let rows = [];

	columns.forEach((column, at) => {
		if (!column.order) return;
		const button = el("button", { type: "button", onclick: () => sort(at) }, column.name);
		heads[at].replaceChildren(button);
	});

	function sort(at) {
		sorted = sorted?.at !== at ? { at, down: false } : sorted.down ? null : { at, down: true };
		heads.forEach((head, i) => set(head, { "aria-sort":
			sorted?.at === i ? sorted.down ? "descending" : "ascending" : null }));
		draw();
	}

	function inOrder() {
		if (!sorted) return rows;
		const by = columns[sorted.at].order;
		const compare = (a, b) => a < b ? -1 : a > b ? 1 : 0;
		const all = rows.toSorted((a, b) => compare(by(a), by(b)));
		return sorted.down ? all.reverse() : all;
	}

	function line(row) {
		const name = key(row);
		const mark = stamp(row);
		let known = drawn.get(name);
		if (known?.mark === mark) return known;
		const cells = columns.map((column, at) => el(at === 0 ? "th" : "td", { scope: at === 0 ? "row" : null,
			class: column.class, "data-label": column.name }, column.cell(row)));
		const focused = known?.element.contains(document.activeElement);
		const element = known?.element ?? el("tr");
		element.replaceChildren(...cells);
		if (focused) element.querySelector("a, button")?.focus({ preventScroll: true });
		known = { element, mark };
		drawn.set(name, known);
		return known;
	}

	function draw() {
		const wanted = new Set();
		const shown = inOrder().slice(0, most);
		shown.forEach((row, at) => {
			const { element } = line(row);
			wanted.add(key(row));
			if (body.children[at] !== element) body.insertBefore(element, body.children[at] ?? null);
		});
		for (const [name, { element }] of drawn) {
			if (wanted.has(name)) continue;
			element.remove();
			drawn.delete(name);
		}
		none.hidden = rows.length > 0;
		more.hidden = rows.length <= most;
		say(more, `${count(most)} of ${count(rows.length)} are shown. ${hint}`);
	}

	body.addEventListener("keydown", walk);
	return { root, show(list) {
		rows = list;
		draw();
	} };
}

// walk moves the focus between the rows of a list.
export function walk(event) {
	const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
	if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
	const all = [...event.currentTarget.querySelectorAll("[data-row]")];
	const at = all.indexOf(event.target.closest("[data-row]"));
	if (at < 0) return;
	event.preventDefault();
	all[Math.min(all.length - 1, Math.max(0, at + step))].focus();
}
