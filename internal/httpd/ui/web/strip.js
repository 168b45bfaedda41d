// Who holds which slots, as a coloured strip: a cell for each slot, in the colour of its holder. Stripes are slots
// that their holder is asked to give up; empty cells are free.

import { colourOf, ink } from "./colours.js";
import { el, say, set } from "./dom.js";
import { count, plainly, plural } from "./format.js";

const tallest = 190; // pixels

// ranges reads "0-127,300".
export function ranges(text) {
	return text === "" ? [] : text.split(",").map((range) => {
		const [first, last = first] = range.split("-").map(Number);
		return [first, last];
	});
}

// size says how many slots some ranges have.
export const size = (text) => ranges(text).reduce((sum, [first, last]) => sum + last - first + 1, 0);

export function strip() {
	const canvas = el("canvas", { class: "strip", role: "img" });
	const tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
	const legend = el("p", { class: "quiet" });
	const root = el("div", { class: "stripbox" }, canvas, tip, legend);
	let slots = 0, shares = [], chosen = null, owner = [], cells = null;

	function draw() {
		const wide = canvas.parentElement?.clientWidth ?? 0;
		if (wide < 10 || slots === 0) return;
		const cell = Math.max(2, Math.min(26, Math.floor(Math.sqrt(wide * tallest / slots))));
		const columns = Math.floor(wide / cell), lines = Math.ceil(slots / columns);
		const scale = devicePixelRatio || 1;
		canvas.width = Math.round(columns * cell * scale);
		canvas.height = Math.round(lines * cell * scale);
		canvas.style.width = `${columns * cell}px`;
		canvas.style.height = `${lines * cell}px`;
		const pen = canvas.getContext("2d");
		pen.scale(scale, scale);
		cells = { cell, columns };
		const gap = cell >= 5 ? 1 : 0, empty = ink(root, "--line"), paper = ink(root, "--card");
		owner = new Array(slots).fill(null);
		const paint = (slot, colour) => {
			pen.fillStyle = colour;
			pen.fillRect(slot % columns * cell, Math.floor(slot / columns) * cell, cell - gap, cell - gap);
		};
		for (let slot = 0; slot < slots; slot++) paint(slot, empty);
		for (const share of shares) {
			pen.globalAlpha = chosen && chosen !== share.member ? 0.22 : 1;
			const colour = colourOf(share.order);
			for (const [first, last] of ranges(share.slots)) {
				for (let slot = first; slot <= last && slot < slots; slot++) {
					paint(slot, colour);
					owner[slot] = share;
				}
			}
			pen.strokeStyle = paper;
			pen.lineWidth = Math.max(1, cell / 6);
			for (const [first, last] of ranges(share.revoking)) {
				for (let slot = first; slot <= last; slot++) stripe(pen, slot % columns * cell,
					Math.floor(slot / columns) * cell, cell - gap);
			}
		}
		pen.globalAlpha = 1;
	}

	function stripe(pen, x, y, side) {
		pen.beginPath();
		pen.moveTo(x, y + side);
		pen.lineTo(x + side, y);
		pen.stroke();
	}

	function point(event) {
		const box = canvas.getBoundingClientRect();
		const x = event.clientX - box.left, y = event.clientY - box.top;
		const slot = cells && Math.floor(y / cells.cell) * cells.columns + Math.floor(x / cells.cell);
		tip.hidden = !cells || x >= cells.columns * cells.cell || !(slot >= 0 && slot < slots);
		if (tip.hidden) return;
		say(tip, `slot ${slot} · ${owner[slot] ? plainly(owner[slot].member) : "free"}`);
		tip.style.left = `${Math.max(0, Math.min(x + 12, box.width - tip.offsetWidth))}px`;
		tip.style.top = `${y + 16}px`;
	}

	canvas.addEventListener("pointermove", point);
	canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
	const watcher = new ResizeObserver(draw);
	watcher.observe(root);
	addEventListener("themed", draw);

	return {
		root,
		show(all, list) {
			slots = all;
			shares = list;
			const held = list.reduce((sum, share) => sum + size(share.slots), 0);
			const moving = list.reduce((sum, share) => sum + size(share.revoking), 0);
			const text = `${plural(slots, "slot")}: ${count(held)} held by `
				+ `${plural(list.filter((share) => share.slots).length, "member")}, `
				+ `${moving ? `${count(moving)} of them to be given up (striped), ` : ""}${count(slots - held)} free`;
			set(canvas, { "aria-label": text });
			say(legend, text);
			draw();
		},
		choose(member) {
			chosen = member;
			draw();
		},
		close() {
			watcher.disconnect();
			removeEventListener("themed", draw);
		},
	};
}
