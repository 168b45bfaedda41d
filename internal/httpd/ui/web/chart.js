// A small chart over time, drawn by hand: lines on a grid, what they are now, and what they were under the pointer.

import { card, el, say, set, svg } from "./dom.js";
import { clock } from "./format.js";
import { samples } from "./meter.js";

const high = 150, foot = 20, head = 8;
const length = 600_000; // milliseconds that are shown

// chart makes one. A line has name, of(sample) and a class; shown says how a value is written.
export function chart(title, lines, shown, base = 10) {
	const figures = lines.map((line) => el("span", { class: "now" }));
	const legend = el("ul", { class: "legend" }, lines.map((line, i) => el("li", {},
		el("i", { class: `ink ${line.class}` }), el("span", {}, line.name), figures[i])));
	const picture = svg("svg", { class: "chart", role: "img" });
	const root = card(title, null, picture, legend);
	root.classList.add("measure");
	let under = null; // where the pointer is

	function show() {
		const wide = picture.clientWidth || 400;
		const end = performance.now(), span = Math.max(60_000, Math.min(length, end - (samples[0]?.at ?? end)));
		const rows = samples.filter((sample) => sample.at >= end - span);
		const top = nice(Math.max(...rows.flatMap((row) => lines.map((line) => line.of(row) ?? 0)), 0), base);
		const x = (at) => wide * (1 - (end - at) / span);
		const y = (value) => high - foot - (high - foot - head) * value / top;
		const parts = [0, 0.5, 1].map((part) => svg("line", { class: "grid", x1: 0, x2: wide, y1: y(part * top),
			y2: y(part * top) }));
		parts.push(svg("text", { x: 0, y: head + 12 }, shown(top)),
			svg("text", { x: 0, y: high - 4 }, span < 120_000 ? "1 min ago" : `${Math.round(span / 60_000)} min ago`),
			svg("text", { x: wide, y: high - 4, "text-anchor": "end" }, "now"));
		for (const line of lines) parts.push(...trace(rows, line, x, y));
		const at = under === null ? rows.at(-1) : nearest(rows, end - span * (1 - under / wide));
		if (under !== null && at) {
			parts.push(svg("line", { class: "cross", x1: x(at.at), x2: x(at.at), y1: head, y2: high - foot }),
				svg("text", { x: Math.min(Math.max(x(at.at), 26), wide - 26), y: high - 4, "text-anchor": "middle",
					class: "when" }, clock(at.time)));
		}
		lines.forEach((line, i) => {
			const value = at ? line.of(at) : null;
			say(figures[i], shown(value));
			if (value !== null) parts.push(svg("circle", { class: `spot ${line.class}`, r: 3.5, cx: x(at.at), cy: y(value) }));
		});
		set(picture, { viewBox: `0 0 ${wide} ${high}`, height: high, "aria-label": `${title}: `
			+ lines.map((line, i) => `${line.name} ${figures[i].textContent}`).join(", ") });
		picture.replaceChildren(...parts);
	}

	picture.addEventListener("pointermove", (event) => {
		under = event.clientX - picture.getBoundingClientRect().left;
		show();
	});
	picture.addEventListener("pointerleave", () => {
		under = null;
		show();
	});
	return { root, show };
}

// trace draws a line, with a gap where nothing is known, and fills what is below the first one.
function trace(rows, line, x, y) {
	let way = "", area = "", begun = null, end = null;
	for (const row of rows) {
		const value = line.of(row);
		if (value === null || value === undefined) {
			if (begun !== null) area += `L${end} ${y(0)}Z`;
			begun = null;
			continue;
		}
		end = x(row.at).toFixed(1);
		const spot = `${end} ${y(value).toFixed(1)}`;
		way += `${begun === null ? "M" : "L"}${spot}`;
		area += begun === null ? `M${end} ${y(0)}L${spot}` : `L${spot}`;
		begun = begun ?? end;
	}
	if (begun !== null) area += `L${end} ${y(0)}Z`;
	const drawn = [svg("path", { class: `trace ${line.class}`, d: way })];
	if (line.filled) drawn.unshift(svg("path", { class: `area ${line.class}`, d: area }));
	return drawn;
}

function nearest(rows, at) {
	return rows.reduce((best, row) => !best || Math.abs(row.at - at) < Math.abs(best.at - at) ? row : best, null);
}

// nice gives a round number that is not below; bytes are round in the base 1024.
function nice(value, base) {
	if (value <= 0) return 1;
	const unit = base ** Math.floor(Math.log(value) / Math.log(base));
	return [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024].map((step) => step * unit).find((round) => round >= value);
}
