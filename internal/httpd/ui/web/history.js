// What has happened: in groups, as the ensemble keeps it, and to the nodes, as this page saw it.

import { commands, path } from "./api.js";
import { describe, lost } from "./events.js";
import { plainly } from "./format.js";
import { arrived } from "./failover.js";
import { follow } from "./status.js";

const seenKey = "caucus.seen";
const mostSeen = 200; // of what this page saw
const mostGroups = 64; // whose events are read
const each = 200; // events of a group

// seen is what the page saw of the nodes, kept as long as the tab.
let seen = [];
try {
	seen = JSON.parse(sessionStorage.getItem(seenKey)) ?? [];
} catch {
	// What another version kept is forgotten.
}

function note(time, lane, mood, text) {
	const said = plainly(text);
	seen.push({ time, lane, mood, word: words[lane], said, where: "ensemble", key: `seen ${time} ${said}` });
	seen = seen.slice(-mostSeen);
	sessionStorage.setItem(seenKey, JSON.stringify(seen));
}

const words = { elections: "election", joins: "join", losses: "loss", settlings: "settling" };

let last = null;

// compare notes what is another than it was a beat ago.
function compare({ status, state }) {
	if (state !== "ok") return;
	const { time } = status;
	const old = last?.cluster_id === status.cluster_id ? last : null;
	last = status;
	if (!old) {
		if (status.nodes.some((node) => node.name === arrived)) note(time, "losses", "bad", `${arrived} stopped answering`);
		return;
	}
	if (status.leader !== old.leader || status.term !== old.term) {
		note(time, "elections", status.leader ? "accent" : "bad", status.leader
			? `${status.leader} leads the log, term ${status.term}${old.leader && old.leader !== status.leader
				? `, after ${old.leader}` : ""}` : `nobody leads the log, term ${status.term}`);
	}
	if (status.quorum !== old.quorum) {
		note(time, status.quorum ? "joins" : "losses", status.quorum ? "good" : "bad",
			`${status.name} is ${status.quorum ? "" : "not "}in touch with a majority`);
	}
	const before = new Map(old.nodes.map((node) => [node.name, node]));
	for (const node of status.nodes) {
		const was = before.get(node.name);
		before.delete(node.name);
		const down = node.role === "unreachable";
		if (!was) note(time, "joins", "good", `${node.name} is a node of the ensemble`);
		else if (down !== (was.role === "unreachable")) {
			note(time, down ? "losses" : "joins", down ? "bad" : "good",
				`${node.name} is ${down ? "not reached any more" : "reached again"}`);
		}
	}
	const present = new Set(status.groups.map((group) => group.name));
	const ended = old.groups.filter((group) => !present.has(group.name)).map((group) => group.name);
	if (ended.length > 5) note(time, "losses", "warn", `${ended.length} groups ended`);
	else for (const name of ended) note(time, "losses", "warn", `the group ${name} ended`);
	for (const name of before.keys()) note(time, "losses", "warn", `${name} is no node any more`);
}

follow(compare);

const lanes = { leader: "elections", leaderless: "elections", joined: "joins", left: "losses", settled: "settlings",
	settling: "settlings" };

// History reads the events of all groups, and after that only of those of which something has changed.
export class History {
	#groups = new Map(); // by name: the mark of its state when it was read, the next seq, its entries

	// all gives everything that is known, the newest first.
	all() {
		return [...seen, ...[...this.#groups.values()].flatMap((known) => known.entries)]
			.toSorted((a, b) => b.time - a.time);
	}

	// read asks for what may be new in groups of a status. It says how many groups were left out.
	async read(status, signal) {
		const sorted = status.groups.toSorted((a, b) => (b.name === "nodes") - (a.name === "nodes"));
		const chosen = sorted.slice(0, mostGroups);
		for (const name of this.#groups.keys()) {
			if (!chosen.some((group) => group.name === name)) this.#groups.get(name).mark = "";
		}
		const mark = (g) => [g.state, g.size, g.leader, g.term, g.epoch].join(" ");
		const changed = chosen.filter((group) => this.#groups.get(group.name)?.mark !== mark(group));
		if (changed.length > 0) await this.#readThese(changed, mark, signal);
		return sorted.length - chosen.length;
	}

	async #readThese(groups, mark, signal) {
		const infos = await commands(groups.map((group) => ["GROUP", "INFO", group.name]), signal);
		const present = groups.filter((_, i) => !infos[i].error);
		const asked = infos.filter((info) => !info.error).map((info, i) => {
			const known = this.#groups.get(present[i].name);
			const next = known?.life === info.life ? known.next : 0;
			return ["GROUP", "EVENTS", info.name, "FROM", Math.max(next, info.oldest, info.seq - each + 1), "COUNT", each];
		});
		if (asked.length === 0) return;
		const lives = infos.filter((info) => !info.error).map((info) => info.life);
		(await commands(asked, signal)).forEach((list, i) => {
			if (list.error) return; // it ended, or went on too fast: the next change is read
			const name = present[i].name;
			const known = this.#groups.get(name) ?? { entries: [], next: 0 };
			const fresh = list.map(([, json]) => entry(name, JSON.parse(json))).filter(Boolean);
			this.#groups.set(name, { mark: mark(present[i]), life: lives[i],
				next: list.length ? list.at(-1)[0] + 1 : known.next, entries: [...known.entries, ...fresh].slice(-each) });
		});
	}
}

function entry(where, event) {
	const lane = lanes[event.event];
	if (!lane) return null;
	const { mood, said } = describe(event);
	const left = event.event === "left" && !lost(event); // by its own will
	return { time: event.time, lane, mood: left ? "quiet" : mood, word: left ? "leave" : words[lane], said, where,
		key: `${where} ${event.life} ${event.seq}`, href: `#/${path("groups", where).slice(4)}` };
}
