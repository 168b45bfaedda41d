// What one key holds, kept up to date.

import { commands, Refusal, Silence } from "./api.js";
import { card, el, pill } from "./dom.js";
import { bytes, bytesOf, clock, count, day, hex, plural, shown, span, textOf } from "./format.js";

const most = 200; // elements that are shown
const longest = 64 << 10; // bytes of a string that are shown
const often = 2500;

// raw gives an element of a reply as bytes.
function raw(item) {
	if (item !== null && typeof item === "object" && "b64" in item) return bytesOf({ x_b64: item.b64 }, "x");
	return bytesOf({ x: String(item ?? "") }, "x");
}

// pairs gives the elements of a reply in twos, in which form ever they come.
const pairs = (list) => Array.isArray(list[0]) ? list
	: Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);

// For each type: how many elements there are, the first of them, and how they are shown.
const forms = {
	string: { size: "STRLEN", read: (key) => ["GETRANGE", key, 0, longest - 1], draw: text },
	list: { size: "LLEN", read: (key) => ["LRANGE", key, 0, most - 1],
		draw: (list) => grid(["#", "Element"], list.map((item, i) => [count(i), raw(item)])) },
	set: { size: "SCARD", read: (key) => ["SSCAN", key, 0, "COUNT", most],
		draw: ([, list]) => grid(["Element"], list.slice(0, most).map((item) => [raw(item)])) },
	hash: { size: "HLEN", read: (key) => ["HSCAN", key, 0, "COUNT", most],
		draw: ([, list]) => grid(["Field", "Value"], pairs(list).slice(0, most).map(([f, v]) => [raw(f), raw(v)])) },
	zset: { size: "ZCARD", read: (key) => ["ZRANGE", key, 0, most - 1, "WITHSCORES"],
		draw: (list) => grid(["Score", "Element"], pairs(list).map(([item, score]) => [String(score), raw(item)])) },
};

export function value(root, key) {
	const closing = new AbortController();
	let revision, timer = 0;

	async function read() {
		if (document.hidden) {
			timer = setTimeout(read, often);
			return;
		}
		try {
			const [type, ttl, now, memory] = await commands([["TYPE", key], ["PTTL", key], ["OBJECT", "REVISION", key],
				["MEMORY", "USAGE", key]], closing.signal);
			const form = forms[type];
			if (!form || now === null || now.error) {
				if (revision !== null) show("none", null);
				revision = null;
			} else {
				if (now !== revision) {
					const [size, content] = await commands([[form.size, key], form.read(key)], closing.signal);
					if (content?.error || size?.error) throw new Refusal(400, content.error, content.message);
					show(type, { size, content, form });
				}
				revision = now;
				facts(type, ttl, now, memory);
			}
		} catch (problem) {
			if (closing.signal.aborted) return;
			if (!(problem instanceof Refusal || problem instanceof Silence)) throw problem;
			if (problem.word !== "WRONGTYPE") root.replaceChildren(el("p", { class: "problem" }, problem.message));
			revision = undefined;
		}
		timer = setTimeout(read, often);
	}

	const known = el("dl", { class: "facts" });
	let size = 0;

	function show(type, held) {
		const title = shown(key).slice(0, 400) || "(the empty key)";
		if (!held) {
			root.replaceChildren(card(title, pill("quiet", "gone"), el("p", { class: "empty" }, "There is no such key now.")));
			return;
		}
		size = held.size;
		const left = type !== "string" && size > most ? `The first ${count(most)} of ${count(size)} are shown.`
			: type === "string" && size > longest ? `The first ${bytes(longest)} of ${bytes(size)} are shown.` : "";
		const box = card(title, pill("accent", type), known, held.form.draw(held.content),
			left && el("p", { class: "quiet" }, left));
		box.classList.add("value");
		root.replaceChildren(box);
	}

	function facts(type, ttl, now, memory) {
		const rows = [["Size", type === "string" ? bytes(size) : plural(size, "element")],
			["Lives", ttl < 0 ? "for ever" : `${span(ttl)} more, until ${day(Date.now() + ttl)} ${clock(Date.now() + ttl)}`],
			["Revision", count(now)], ["Memory", memory?.error ? "–" : bytes(memory)]];
		known.replaceChildren(...rows.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
	}

	read();
	return () => {
		closing.abort();
		clearTimeout(timer);
	};
}

// text shows a string: JSON in its lines, other text as it is, and what is no text in hexadecimal.
function text(content) {
	const all = raw(content);
	const plain = textOf(all);
	if (plain === null) return el("pre", { class: "content", tabindex: "0" }, dump(all.subarray(0, 4096)));
	let said = plain;
	if (/^\s*[{[]/.test(plain)) {
		try {
			said = JSON.stringify(JSON.parse(plain), null, 2);
		} catch {
			// It only begins like JSON.
		}
	}
	const lines = said.split("\n").map((line) => shown(new TextEncoder().encode(line.replaceAll("\t", "    "))));
	return el("pre", { class: "content", tabindex: "0" }, lines.join("\n"));
}

function dump(all) {
	const lines = [];
	for (let at = 0; at < all.length; at += 16) {
		const part = all.subarray(at, at + 16);
		const codes = Array.from(part, (b) => hex(b).slice(2)).join(" ").padEnd(48);
		const seen = Array.from(part, (b) => b > 31 && b < 127 ? String.fromCharCode(b) : "·").join("");
		lines.push(`${at.toString(16).padStart(6, "0")}  ${codes} ${seen}`);
	}
	return lines.join("\n");
}

// grid shows elements in columns; bytes are shown as such.
function grid(names, rows) {
	const cell = (item) => item instanceof Uint8Array ? el("code", { title: shown(item).slice(0, 2000) },
		shown(item).slice(0, 300)) : item;
	return el("div", { class: "rows plainrows", tabindex: "0" }, el("table", {},
		el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, name)))),
		el("tbody", {}, rows.map((row) => el("tr", {}, row.map((item, i) => el("td", { "data-label": names[i] }, cell(item))))))));
}
