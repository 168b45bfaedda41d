// What the node measures, scraped again and again, and made into rates.

import { Refusal, Silence, text } from "./api.js";
import { pulse } from "./status.js";

const often = 2000;
const kept = 300; // samples: ten minutes

export const samples = []; // { at, values by name }
const listeners = new Set();
let before = null;
let problem = "";

export const trouble = () => problem;

export function onSample(tell) {
	listeners.add(tell);
	return () => listeners.delete(tell);
}

// parse reads the text of Prometheus: a list of { labels, value } for each name.
export function parse(page) {
	const all = new Map();
	for (const line of page.split("\n")) {
		const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
		if (!found) continue;
		const labels = Object.fromEntries([...(found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
			.map(([, name, value]) => [name, value]));
		if (!all.has(found[1])) all.set(found[1], []);
		all.get(found[1]).push({ labels, value: Number(found[3]) });
	}
	return all;
}

// sum adds up what has these labels.
function sum(all, name, labels = {}) {
	const rows = (all.get(name) ?? []).filter((row) => Object.entries(labels).every(([l, v]) => row.labels[l] === v));
	return rows.length ? rows.reduce((total, row) => total + row.value, 0) : null;
}

// quantile gives, in milliseconds, below what such a part of what happened between two scrapes stayed.
function quantile(part, now, old, name, labels = {}) {
	const upto = (all) => new Map((all.get(`${name}_bucket`) ?? [])
		.filter((row) => Object.entries(labels).every(([l, v]) => row.labels[l] === v))
		.map((row) => [row.labels.le === "+Inf" ? Infinity : Number(row.labels.le), row.value]));
	const [a, b] = [upto(old), upto(now)];
	const rows = [...b].map(([le, n]) => [le, n - (a.get(le) ?? 0)]).toSorted((x, y) => x[0] - y[0]);
	const total = rows.at(-1)?.[1] ?? 0;
	if (!(total > 0)) return null;
	let low = 0, below = 0;
	for (const [le, n] of rows) {
		if (n >= part * total) {
			const share = n > below ? (part * total - below) / (n - below) : 1;
			return 1000 * (le === Infinity ? low : low + (le - low) * share);
		}
		[low, below] = [le, n];
	}
	return null;
}

function derive(now, old, seconds) {
	const rate = (name, labels) => {
		const [a, b] = [sum(old, name, labels), sum(now, name, labels)];
		return a === null || b === null || b < a ? null : (b - a) / seconds;
	};
	const request = (part, way) => quantile(part, now, old, "caucus_request_seconds", { way });
	return {
		ok: rate("caucus_commands_total", { outcome: "ok" }) ?? 0,
		failed: (rate("caucus_commands_total", { outcome: "failed" }) ?? 0)
			+ (rate("caucus_commands_total", { outcome: "rejected" }) ?? 0),
		http: rate("caucus_http_responses_total"),
		entries: rate("caucus_applied_index"), syncs: rate("caucus_disk_syncs_total"),
		write50: request(0.5, "write"), write99: request(0.99, "write"),
		read50: request(0.5, "read"), read99: request(0.99, "read"),
		sync50: quantile(0.5, now, old, "caucus_fsync_seconds"),
		sync99: quantile(0.99, now, old, "caucus_fsync_seconds"),
		received: rate("caucus_client_read_bytes_total"), sent: rate("caucus_client_written_bytes_total"),
		peers: rate("caucus_peers_sent_bytes_total"), disk: rate("caucus_disk_written_bytes_total"),
		memory: sum(now, "caucus_memory_bytes"), resident: sum(now, "process_resident_memory_bytes"),
		connections: sum(now, "caucus_connections", { door: "resp" }), browsers: sum(now, "caucus_connections", { door: "http" }),
	};
}

async function scrape() {
	const at = performance.now();
	if (!document.hidden && (pulse.state === "ok" || pulse.problem?.forbidden)) {
		try {
			const now = parse(await text("/metrics"));
			if (before && at - before.at > 200) {
				samples.push({ at, time: Date.now(), ...derive(now, before.now, (at - before.at) / 1000) });
				if (samples.length > kept) samples.shift();
			}
			before = { now, at };
			problem = "";
		} catch (cause) {
			if (!(cause instanceof Refusal || cause instanceof Silence)) throw cause;
			problem = cause.message;
		}
		for (const tell of [...listeners]) tell();
	} else {
		before = null; // what happens meanwhile would be taken for the rate of one moment
	}
	setTimeout(scrape, Math.max(100, often - (performance.now() - at)));
}

// measure begins to scrape.
export function measure() { scrape(); }
