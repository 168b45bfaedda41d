// One group: who is in it, who leads, who has which share of the work, and what happens.

import { get, path, Refusal, Silence } from "./api.js";
import { hueOf } from "./colours.js";
import { card, el, heading, pill, say, search, set, tile } from "./dom.js";
import { bytesOf, count, plainly, plural, shown, span } from "./format.js";
import { feed } from "./feed.js";
import { polls } from "./polls.js";
import { pulse } from "./status.js";
import { size, strip } from "./strip.js";
import { table } from "./table.js";

// What must be read again after an event of a kind.
const concerns = {
	joined: ["members"], left: ["members", "shares", "votes"], leader: ["members"], leaderless: ["members"],
	settling: ["members", "shares"], settled: ["members", "shares"], metadata: ["members"], slots: ["shares"],
	vote: ["votes"], result: ["votes"], action: ["votes"], deleted: ["members", "shares", "votes"],
	gap: ["members", "shares", "votes"],
};
const everything = ["members", "shares", "votes"];
const page = 1000; // members that are asked for at once
const before = 40; // events that are shown from before the page was opened

export function group(root, name) {
	const closing = new AbortController();
	const { signal } = closing;
	const known = { info: null, members: [], shares: [], votes: [], at: 0 };
	const view = layout(root, name, (sought) => { view.sought = sought; drawMembers(); });

	// read reads what is wanted, one round after the other.
	const wanted = new Set(everything);
	let reading = false, took = 0;

	async function read() {
		if (reading || signal.aborted) return;
		reading = true;
		const now = [...wanted];
		wanted.clear();
		const begun = performance.now();
		try {
			known.info = await get(path("groups", name), signal);
			known.at = performance.now();
			await Promise.all(now.map((part) => parts[part]()));
			view.gone("");
			draw();
		} catch (problem) {
			if (signal.aborted || problem.locked) return;
			if (!(problem instanceof Refusal || problem instanceof Silence)) throw problem;
			view.gone(problem.word === "NOGROUP" ? "There is no such group now." : problem.message);
			now.forEach((part) => wanted.add(part));
		} finally {
			took = performance.now() - begun;
			reading = false;
		}
	}

	const parts = {
		async members() {
			const all = [];
			for (let after = 0; ;) {
				const { members } = await get(`${path("groups", name, "members")}?after=${after}&count=${page}`, signal);
				all.push(...members);
				if (members.length < page) break;
				after = members.at(-1).order;
			}
			known.members = all;
		},
		async shares() {
			known.shares = known.info.slots > 0 ? (await get(path("groups", name, "shares"), signal)).shares : [];
		},
		async votes() {
			known.votes = (await get(path("groups", name, "votes"), signal)).votes;
		},
	};

	// want has parts read soon. The timer is left as it stands: where reading is slow more is wanted before it ends,
	// and set anew each time it never would.
	let timer = 0;
	function want(list) {
		list.forEach((part) => wanted.add(part));
		timer ||= setTimeout(again, Math.max(60, Math.min(3000, 3 * took)));
	}
	async function again() {
		timer = 0;
		await read();
		if (wanted.size && known.info) want([]);
	}

	function draw() {
		const { info } = known;
		view.facts(info);
		view.slots(info, known.shares);
		drawMembers();
		tick();
	}

	function drawMembers() {
		const shares = new Map(known.shares.map((share) => [share.member, share]));
		view.members(known.members.map((member) => ({ ...member, share: shares.get(member.name) })),
			known.info?.slots > 0);
	}

	// tick shows what runs down.
	function tick() {
		const { info } = known;
		if (!info) return;
		view.countdown(info, performance.now() - known.at);
		view.votes(known.votes, pulse.status ? pulse.status.time - Date.now() + (performance.now() - pulse.at) : 0);
	}

	const ticking = setInterval(tick, 200);
	const looking = setInterval(() => {
		if (!document.hidden) want(known.votes.some((poll) => poll.state === "open") ? ["votes"] : []);
	}, 1500);

	read().then(() => {
		if (signal.aborted) return;
		const after = known.info ? Math.max(known.info.oldest - 1, known.info.seq - before) : "";
		const events = feed(path("groups", name, "events"), after && String(after), signal,
			(event) => want(concerns[event.event] ?? []));
		view.events(events);
	});
	return () => {
		closing.abort();
		clearInterval(ticking);
		clearInterval(looking);
		clearTimeout(timer);
		view.close();
	};
}

// layout makes the parts of the page, and the functions that fill them.
function layout(root, name, searched) {
	const state = el("span");
	const problem = el("p", { class: "problem", role: "status", hidden: true });
	const tiles = Object.fromEntries(["Leader", "Members", "Division", "Slots"].map((label) => [label, tile(label)]));
	const options = el("p", { class: "options quiet" });
	const drain = el("div", { class: "drain", hidden: true }, el("i"));
	tiles.Division.root.append(drain);
	const cells = strip();
	const slots = card("Slots", null, cells.root);
	slots.hidden = true; // until it is known that there are some
	const ballots = polls();
	const found = el("span", { class: "quiet" });
	let chosen = null;
	const choose = (member) => {
		chosen = chosen === member ? null : member;
		cells.choose(chosen);
		for (const button of list.root.querySelectorAll("button[data-row]")) {
			set(button, { "aria-pressed": String(button.dataset.row === chosen) });
		}
	};
	const list = table({ label: "Members", columns: columns(choose), key: (row) => row.name,
		empty: "Nobody.", hint: "Search for fewer." });
	const field = search("Search members", "", searched);
	const events = card("Events", null);
	root.append(el("p", { class: "crumb" }, el("a", { href: "#/groups" }, "Groups"), " /"),
		heading(plainly(name), state), problem,
		el("dl", { class: "tiles row" }, Object.values(tiles).map((t) => t.root)), options, slots,
		el("div", { class: "split memberly" }, card("Members", el("div", { class: "beside" }, found, field), list.root),
			el("div", { class: "aside" }, card("Polls", null, ballots.root), events)));

	return {
		sought: "",
		gone(text) {
			problem.hidden = text === "";
			say(problem, text);
		},
		facts(info) {
			const mood = info.size === 0 ? "quiet" : info.state === "settled" ? "good" : "warn";
			state.replaceChildren(pill(mood, info.size === 0 ? "empty" : info.state));
			tiles.Leader.show(info.leader === null ? "none" : plainly(info.leader), `term ${info.term}`
				+ `${info.kind === "noleader" ? ", a group without a leader" : ""}`);
			tiles.Members.show(count(info.size), info.min > 1 ? `at least ${count(info.min)} are needed` : "");
			tiles.Slots.show(info.slots ? count(info.slots) : "none", info.stuck ? `${plainly(info.stuck)} keeps some`
				: info.moving ? `${count(info.moving)} to be given up` : "", info.stuck ? "bad" : "");
			const heartbeat = info.heartbeat ? ` · heartbeat ${span(info.heartbeat)}` : "";
			say(options, `Settles ${info.settle ? `after ${span(info.settle)}` : "at once"} · ttl ${span(info.ttl)}`
				+ ` · grace ${span(info.grace)}${heartbeat} · votes are open for ${span(info.vote_timeout)}`
				+ ` · event ${count(info.seq)} of life ${count(info.life)}`);
			slots.hidden = info.slots === 0;
		},
		countdown(info, passed) {
			const left = info.settles_in === null ? 0 : Math.max(0, info.settles_in - passed);
			const settling = info.state === "settling" && info.size > 0;
			drain.hidden = !settling || info.settle === 0;
			drain.firstChild.style.width = `${Math.min(100, 100 * left / Math.max(1, info.settle))}%`;
			if (settling) tiles.Division.show(left > 0 ? `in ${span(Math.ceil(left / 100) * 100)}` : "settling",
				left > 0 ? "at least" : "waits for all who hold a share", "warn");
			else tiles.Division.show(info.total ? `among ${count(info.total)}` : "–", `epoch ${info.epoch}`);
		},
		slots(info, shares) {
			if (info.slots > 0) cells.show(info.slots, shares);
		},
		members(all, sliced) {
			const words = this.sought.toLowerCase().split(/\s+/).filter(Boolean);
			const rows = words.length === 0 ? all : all.filter((member) => {
				const text = `${member.name} ${member.node} ${shown(bytesOf(member, "metadata"))}`.toLowerCase();
				return words.every((word) => text.includes(word));
			});
			list.root.classList.toggle("unsliced", !sliced);
			list.show(rows.map((row) => ({ ...row, chosen: row.name === chosen })));
			say(found, rows.length === all.length ? plural(all.length, "member")
				: `${count(rows.length)} of ${plural(all.length, "member")}`);
		},
		votes: (all, ahead) => ballots.show(all, ahead),
		events(of) {
			events.querySelector(".head").append(of.beside);
			events.append(of.root);
		},
		close: () => cells.close(),
	};
}

const columns = (choose) => [
	{ name: "Member", class: "name", order: (m) => m.name, cell: (m) => {
		const swatch = el("i", { class: "swatch" });
		swatch.style.setProperty("--hue", hueOf(m.order));
		return [swatch, el("button", { type: "button", class: "link", "data-row": m.name, onclick: () => choose(m.name),
			"aria-pressed": String(m.chosen) }, plainly(m.name)), m.leader && pill("accent", "leader")];
	} },
	{ name: "Index", class: "figure", order: (m) => m.index ?? Infinity, cell: (m) => m.index === null ? "–" : count(m.index) },
	{ name: "Slots", class: "figure sliced", order: (m) => m.share ? -size(m.share.slots) : 0,
		cell: (m) => m.share?.slots ? el("span", { title: m.share.slots.slice(0, 500) }, count(size(m.share.slots))) : "–" },
	{ name: "Priority", class: "figure spare", order: (m) => m.priority, cell: (m) => count(m.priority) },
	{ name: "Joined", class: "figure spare", order: (m) => m.order, cell: (m) => `#${m.order}` },
	{ name: "Node", order: (m) => m.node, cell: (m) => plainly(m.node) || "–" },
	{ name: "Metadata", class: "meta wide", cell: (m) => {
		const text = shown(bytesOf(m, "metadata"));
		return text === "" ? el("span", { class: "quiet" }, "–")
			: el("code", { title: text.slice(0, 2000) }, text.slice(0, 200));
	} },
];
