// What happened in a group, in words.

import { bytesOf, clock, count, plainly, plural, shown } from "./format.js";

const name = plainly;

// because says why somebody left or stopped leading.
const because = (event) => event.reason ? ` (${event.reason})` : "";

const long = 160;
const cut = (text) => text.length > long ? `${text.slice(0, long)} …` : text;

// about gives, by the kind of an event, its mood and what is said of it. Kinds that are not here are shown as they are.
const about = {
	joined: (e) => ["good", `${name(e.member)} joined at ${name(e.node)}: ${plural(e.size, "member")}`],
	left: (e) => [lost(e) ? "bad" : "warn", `${name(e.member)} left${because(e)}: ${plural(e.size, "member")}`],
	leader: (e) => ["accent", `${name(e.member)} leads, term ${e.term}`
		+ `${e.previous ? `, after ${name(e.previous)}` : ""}${because(e)}`],
	leaderless: (e) => ["warn", `nobody leads${e.previous ? `, after ${name(e.previous)}` : ""}${because(e)}`],
	settling: (e) => ["warn", `the work is divided anew among ${plural(e.size, "member")}`],
	settled: (e) => ["good", `the work is divided among ${plural(e.total, "member")}, epoch ${e.epoch}`],
	metadata: (e) => ["quiet", `${name(e.member)} says of itself: ${cut(shown(bytesOf(e, "metadata")))}`],
	slots: (e) => ["quiet", `${name(e.member)}: ${slots(e)}`],
	vote: (e) => ["accent", `${name(e.caller)} calls for a vote (${e.kind}): ${cut(shown(bytesOf(e, "topic")))}`],
	result: (e) => [e.outcome === "yes" ? "good" : "warn",
		`${e.outcome}, with ${e.yes} : ${e.no} of ${e.electorate}: ${cut(shown(bytesOf(e, "topic")))}`],
	action: (e) => ["accent", `the moment has come, ${clock(e.at)}: ${cut(shown(bytesOf(e, "topic")))}`],
	message: (e) => ["quiet", `${name(e.sender)} says: ${cut(shown(bytesOf(e, "payload")))}`],
	deleted: () => ["bad", "the group ended"],
	gap: (e) => ["warn", `events from ${count(e.from)} on are no longer kept`],
};

// lost says whether somebody left without meaning to.
export const lost = (event) => event.reason === "expired" || event.reason === "lost" || event.reason === "removed";

function slots(event) {
	return [["granted", "holds also"], ["revoking", "is asked for"], ["released", "gave up"]]
		.filter(([field]) => event[field]).map(([field, said]) => `${said} ${cut(event[field])}`).join(", ");
}

// describe gives the mood of an event, and what happened as a sentence.
export function describe(event) {
	const [mood, said] = about[event.event]?.(event) ?? ["quiet", cut(plainly(JSON.stringify(event)))];
	return { mood, said };
}
