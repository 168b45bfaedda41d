// The frame of the page: which view is open, who is logged in, the theme, and the keys that work everywhere.

import { logOut, loggedIn, onLocked } from "./api.js";
import { card, el, heading, say, set } from "./dom.js";
import { guide } from "./failover.js";
import { login } from "./login.js";
import { beat, hear, pulse } from "./status.js";
import { ensemble } from "./ensemble.js";
import { group } from "./group.js";
import { groups } from "./groups.js";
import { keys } from "./keys.js";
import { load } from "./load.js";
import { measure } from "./meter.js";
import { timeline } from "./timeline.js";

const main = document.getElementById("main");
const tabs = document.getElementById("tabs");
const views = { "": ensemble, timeline, load, keys,
	groups: (root, at) => at.segments.length ? group(root, at.segments[0]) : groups(root, at) };

const byStatus = { "": "Ensemble", groups: "Groups", timeline: "Timeline" }; // that show what the status has

let close = () => {};
let locked = false;
let withheld = false; // the view that is open, until the user may see it

// where reads the address: #/page/segment?name=value.
function where() {
	const [way, query] = (location.hash.startsWith("#/") ? location.hash.slice(2) : "").split("?");
	const [page = "", ...segments] = way.split("/").filter(Boolean).map((part) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return part;
		}
	});
	return { page, segments, query: new URLSearchParams(query) };
}

// open shows the view that the address names.
function open() {
	if (locked) return;
	const { page, segments, query } = where();
	const view = Object.hasOwn(views, page) ? page : "";
	close();
	main.replaceChildren();
	withheld = !pulse.status && pulse.problem?.forbidden && segments.length === 0 && view in byStatus;
	close = (withheld ? refuse(byStatus[view]) : views[view](main, { segments, query })) ?? (() => {});
	for (const tab of tabs.querySelectorAll("a")) {
		set(tab, { "aria-current": tab.dataset.page === (view || "ensemble") ? "page" : null });
	}
	const title = main.querySelector("h1");
	document.title = `${title?.textContent ?? "Ensemble"} · caucus`;
	title?.focus({ preventScroll: true });
	scrollTo(0, 0);
}

// refuse shows, in the place of a view, why this user does not see it.
function refuse(title) {
	main.append(heading(title), card("Not for this user", null, el("p", { class: "problem", role: "status" },
		pulse.problem.message), el("p", { class: "quiet" }, "Whoever runs the ensemble can give the right, by ACL "
		+ "SETUSER. Other pages may be open to this user.")));
}

// lock asks who is there; unlock goes on where the user was.
function lock(refusal) {
	if (locked) return;
	locked = true;
	tabs.hidden = true;
	close();
	close = () => {};
	login(main, loggedIn() ? refusal : null, async () => {
		locked = false;
		await beat();
		if (locked) return;
		tabs.hidden = false;
		open();
	});
	logOut();
}

onLocked(lock);

const seat = document.getElementById("seat");
const leave = document.getElementById("leave");
hear(({ status, state }) => {
	leave.hidden = !loggedIn();
	if (withheld && status && !locked) open();
	if (!status) return;
	seat.hidden = false;
	set(seat, { "data-mood": state === "ok" ? status.quorum ? "good" : "warn" : "bad",
		title: `ensemble ${status.cluster_id}` });
	say(seat, status.name);
});

leave.addEventListener("click", () => {
	logOut();
	location.reload();
});

const theme = document.getElementById("theme");
const themes = ["system", "light", "dark"];

function showTheme() {
	const now = document.documentElement.dataset.theme ?? "system";
	say(theme, { system: "Auto", light: "Light", dark: "Dark" }[now]);
	set(theme, { "aria-label": `Theme: ${now}. Change it`, "data-now": now });
}

theme.addEventListener("click", () => {
	const now = document.documentElement.dataset.theme ?? "system";
	const next = themes[(themes.indexOf(now) + 1) % themes.length];
	if (next === "system") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = next;
	localStorage.setItem("caucus.theme", next);
	showTheme();
	dispatchEvent(new Event("themed"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themed")));

document.getElementById("skip").addEventListener("click", (event) => {
	event.preventDefault();
	main.focus();
});

addEventListener("keydown", (event) => {
	const typing = event.target.closest?.("input, textarea, select");
	const field = main.querySelector("[data-search]");
	if (event.key === "/" && !typing && field && !event.ctrlKey && !event.metaKey && !event.altKey) {
		event.preventDefault();
		field.focus();
		field.select();
	}
	if (event.key === "Escape" && typing?.matches("[data-search]")) typing.blur();
	if (event.key === "ArrowDown" && typing?.matches("[data-search]")) {
		event.preventDefault();
		main.querySelector("[data-row]")?.focus();
	}
});

addEventListener("hashchange", open);
showTheme();
guide(document.getElementById("banner"));
await beat();
if (pulse.problem?.locked) lock(pulse.problem);
else open();
measure();
