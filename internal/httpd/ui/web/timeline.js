// Elections, joins and losses, as a picture over time and as a list.

import { Refusal, Silence } from "./api.js";
import { card, el, heading, pill, say, search, set, svg } from "./dom.js";
import { clock, count, day, minute, plainly } from "./format.js";
import { History } from "./history.js";
import { follow, pulse } from "./status.js";

const lanes = ["elections", "joins", "losses", "settlings"];
const windows = [["5 minutes", 300_000], ["1 hour", 3_600_000], ["1 day", 86_400_000], ["All", Infinity]];
const most = 400; // that are listed
const history = new History();

export function timeline(root) {
	const closing = new AbortController();
	let shown = new Set(["elections", "joins", "losses"]);
	let span = 3_600_000;
	let sought = "";
	const picture = drawing();
	const list = el("ol", { class: "feed dated", "aria-label": "What happened, the newest first" });
	const none = el("p", { class: "empty" }, "Nothing of that kind is known.");
	const note = el("p", { class: "quiet" });
	const toggles = lanes.map((lane) => el("button", { type: "button", class: `plain lane ${lane}`,
		"aria-pressed": String(shown.has(lane)), onclick: (event) => {
			shown = new Set(shown.has(lane) ? [...shown].filter((other) => other !== lane) : [...shown, lane]);
			set(event.currentTarget, { "aria-pressed": String(shown.has(lane)) });
			draw();
		} }, lane[0].toUpperCase() + lane.slice(1)));
	const times = el("select", { "aria-label": "How far back", onchange: (event) => {
		span = windows[event.target.value][1];
		draw();
	} }, windows.map(([name, length], i) => el("option", { value: i, selected: length === span }, name)));
	const field = search("Search", "", (text) => { sought = text.toLowerCase(); draw(); });

	root.append(heading("Timeline", field), card("When", el("div", { class: "beside" }, toggles, times), picture.root),
		card("What", note, list, none));

	function draw() {
		const now = pulse.status?.time ?? Date.now();
		const entries = history.all().filter((entry) => shown.has(entry.lane) && entry.time > now - span
			&& (entry.where + " " + entry.said).toLowerCase().includes(sought));
		picture.show(entries, lanes.filter((lane) => shown.has(lane)), now,
			Number.isFinite(span) ? now - span : Math.min(now - 60_000, ...entries.map((entry) => entry.time)));
		none.hidden = entries.length > 0;
		const rows = entries.slice(0, most);
		const kept = new Map([...list.children].map((item) => [item.dataset.key, item]));
		const items = rows.map((entry) => kept.get(entry.key) ?? line(entry));
		if (items.length !== list.children.length || items.some((item, i) => list.children[i] !== item)) {
			list.replaceChildren(...items);
		}
	}

	let reading = false;
	const stop = follow(async ({ status, state }) => {
		draw();
		if (reading || state !== "ok") return;
		reading = true;
		try {
			const left = await history.read(status, closing.signal);
			say(note, left > 0 ? `${count(left)} groups are left out` : "");
			if (!closing.signal.aborted) draw();
		} catch (problem) {
			if (!closing.signal.aborted && !(problem instanceof Refusal || problem instanceof Silence)) throw problem;
			say(note, problem.message);
		}
		reading = false;
	});
	return () => {
		stop();
		closing.abort();
		picture.close();
	};
}

function line(entry) {
	const where = plainly(entry.where);
	return el("li", { "data-key": entry.key }, el("time", {}, el("span", { class: "quiet" }, day(entry.time)), " ",
		clock(entry.time)), pill(entry.mood, entry.word), entry.href ? el("a", { href: entry.href, class: "where" }, where)
		: el("span", { class: "where quiet" }, where), el("span", { class: "said" }, entry.said));
}

// drawing is the picture: a lane for each kind, the newest at the right.
function drawing() {
	const root = svg("svg", { class: "lanes", role: "img" });
	let last = null;
	const watcher = new ResizeObserver(() => last && show(...last));
	watcher.observe(root);

	function show(entries, names, now, from) {
		last = [entries, names, now, from];
		const wide = root.clientWidth || 600;
		const left = 82, right = wide - 16, row = 34, high = names.length * row + 26;
		set(root, { viewBox: `0 0 ${wide} ${high}`, height: high,
			"aria-label": names.map((name) => `${entries.filter((e) => e.lane === name).length} ${name}`).join(", ") });
		const x = (time) => left + (right - left) * (time - from) / Math.max(1, now - from);
		const parts = names.map((name, i) => svg("g", { transform: `translate(0 ${i * row + row / 2})` },
			svg("text", { class: "lane", x: 0, y: 4 }, name), svg("line", { class: "rail", x1: left, x2: right })));
		const ticks = wide > 560 ? 5 : 3;
		for (let i = 0; i < ticks; i++) {
			const time = from + (now - from) * i / (ticks - 1);
			const text = now - from > 86_400_000 ? day(time).slice(0, 6)
				: now - from >= 3_600_000 ? minute(time) : clock(time);
			parts.push(svg("line", { class: "grid", x1: x(time), x2: x(time), y1: 4, y2: high - 22 }),
				svg("text", { class: "time", x: x(time), y: high - 5,
					"text-anchor": i === 0 ? "start" : i === ticks - 1 ? "end" : "middle" }, text));
		}
		const places = new Set();
		for (const entry of entries) {
			const at = Math.round(x(entry.time));
			const spot = `${entry.lane} ${at}`;
			if (places.has(spot)) continue; // one dot for what would stand on it
			places.add(spot);
			parts.push(svg("circle", { class: `dot ${entry.mood}`, cx: at, cy: names.indexOf(entry.lane) * row + row / 2,
				r: 5 }, svg("title", {}, `${clock(entry.time)} ${plainly(entry.where)}: ${entry.said}`)));
		}
		root.replaceChildren(...parts);
	}
	return { root, show, close: () => watcher.disconnect() };
}
