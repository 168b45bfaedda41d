// How much the node does, and how long it takes.

import { el, heading, say } from "./dom.js";
import { chart } from "./chart.js";
import { brief, bytes, span } from "./format.js";
import { onSample, samples, trouble } from "./meter.js";
import { pulse } from "./status.js";

const a = (name, of, style, filled = false) => ({ name, of: (sample) => sample[of], class: style, filled });
const perSecond = (n) => n === null || n === undefined ? "–" : `${brief(n)}/s`;
const traffic = (n) => n === null || n === undefined ? "–" : `${bytes(n)}/s`;

export function load(root) {
	const charts = [
		chart("Commands", [a("done", "ok", "one", true), a("refused", "failed", "bad"), a("HTTP", "http", "two")], perSecond),
		chart("Entries of the log", [a("applied", "entries", "one", true), a("syncs", "syncs", "two")], perSecond),
		chart("Latency of writes", [a("p50", "write50", "one", true), a("p99", "write99", "two")], span),
		chart("Latency of reads", [a("p50", "read50", "one", true), a("p99", "read99", "two")], span),
		chart("Syncs of the disk", [a("p50", "sync50", "one", true), a("p99", "sync99", "two")], span),
		chart("Traffic", [a("from clients", "received", "one", true), a("to clients", "sent", "two"),
			a("to nodes", "peers", "three")], traffic, 1024),
		chart("Memory", [a("of the process", "resident", "one", true), a("keys and values", "memory", "two")], bytes, 1024),
		chart("Connections", [a("Redis clients", "connections", "one", true), a("HTTP", "browsers", "two")], brief),
	];
	const note = el("p", { class: "quiet" });
	root.append(heading("Load", note), el("div", { class: "charts" }, charts.map((one) => one.root)));
	const show = () => {
		say(note, trouble() || (samples.length ? `of ${pulse.status?.name ?? "this node"}, since this page was opened`
			: "Measuring …"));
		for (const one of charts) one.show();
	};
	const stop = onSample(show);
	addEventListener("resize", show);
	show();
	return () => {
		stop();
		removeEventListener("resize", show);
	};
}
