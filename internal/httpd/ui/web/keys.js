// The keys: sought by a pattern, page by page, and what one of them holds.

import { get, Refusal, Silence } from "./api.js";
import { card, el, heading, say, search, set } from "./dom.js";
import { base64, bytesOf, plural, shown } from "./format.js";
import { walk } from "./table.js";
import { value } from "./value.js";

const enough = 100; // keys that are looked for at once
const rounds = 20; // questions until then
const kinds = ["any type", "string", "hash", "list", "set", "zset"];

// A key stands in the address in base64, since it may be any bytes.
const pack = (raw) => base64(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const unpack = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

// pattern makes one of what is typed: what has no sign of a pattern is sought anywhere in a key.
const pattern = (text) => text === "" ? "*" : /[*?[\]]/.test(text) ? text : `*${text.replaceAll("\\", "\\\\")}*`;

export function keys(root, { query }) {
	const closing = new AbortController();
	let sought = query.get("q") ?? "", kind = query.get("type") ?? "", chosen = query.get("k") ?? "";
	let seek = new AbortController(), cursor = null, found = [];
	const list = el("ul", { class: "keys", "aria-label": "Keys", onkeydown: walk });
	const total = el("p", { class: "quiet", role: "status" });
	const more = el("button", { type: "button", class: "plain", hidden: true, onclick: () => collect() }, "More");
	const detail = el("div", { class: "detail" });
	let shut = () => {};

	const field = search("Search keys, such as user:*", sought, (text) => {
		sought = text;
		begin();
	});
	const types = el("select", { "aria-label": "Type", onchange: (event) => {
		kind = event.target.value;
		begin();
	} }, kinds.map((name, i) => el("option", { value: i ? name : "", selected: (i ? name : "") === kind }, name)));
	root.append(heading("Keys", total, types, field),
		el("div", { class: "split keysplit" }, card("Found", null, list, more), detail));

	const address = () => `#/keys?${new URLSearchParams({ ...(sought && { q: sought }), ...(kind && { type: kind }),
		...(chosen && { k: chosen }) })}`;

	let timer = 0;
	function begin() {
		history.replaceState(null, "", address());
		seek.abort();
		clearTimeout(timer);
		timer = setTimeout(() => {
			seek = new AbortController();
			[cursor, found] = ["0", []];
			list.replaceChildren();
			collect();
		}, 120);
	}

	// collect looks for more keys, until there are enough of them or it has asked often enough.
	async function collect() {
		const { signal } = seek;
		more.hidden = true;
		say(total, "Searching …");
		try {
			const goal = found.length + enough;
			for (let round = 0; cursor !== null && found.length < goal && round < rounds; round++) {
				const asked = new URLSearchParams({ match: pattern(sought), cursor, count: 1000, ...(kind && { type: kind }) });
				const page = await get(`/v1/keys?${asked}`, signal);
				if (signal.aborted) return;
				cursor = page.cursor;
				add(page.keys.map((key) => bytesOf(key, "key")));
			}
			say(total, found.length || cursor === null ? plural(found.length, "key") + (cursor === null ? "" : " so far")
				: "none so far");
			more.hidden = cursor === null;
		} catch (problem) {
			if (signal.aborted || closing.signal.aborted) return;
			if (!(problem instanceof Refusal || problem instanceof Silence)) throw problem;
			say(total, problem.message);
			more.hidden = false;
		}
	}

	function add(page) {
		const items = page.map((raw) => {
			const packed = pack(raw);
			const name = shown(raw);
			const item = el("li", {}, el("a", { href: "#/keys", "data-row": packed, onclick: (event) => {
				event.preventDefault();
				choose(packed, true);
			}, "aria-current": packed === chosen ? "true" : null }, name.slice(0, 400) || "(the empty key)"));
			return { name, item };
		});
		found = [...found, ...items].toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
		list.replaceChildren(...found.map(({ item }) => item));
	}

	function choose(packed, byHand) {
		shut();
		chosen = packed;
		history.replaceState(null, "", address());
		for (const link of list.querySelectorAll("a")) {
			set(link, { "aria-current": link.dataset.row === chosen ? "true" : null });
		}
		shut = value(detail, unpack(packed));
		if (byHand && matchMedia("(max-width: 760px)").matches) detail.scrollIntoView();
	}

	if (chosen) choose(chosen, false);
	else detail.replaceChildren(el("p", { class: "empty" }, "Choose a key to see what it holds."));
	begin();
	return () => {
		clearTimeout(timer);
		seek.abort();
		closing.abort();
		shut();
	};
}
