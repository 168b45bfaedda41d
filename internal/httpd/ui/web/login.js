// The form that asks who is there. What is typed goes into a header of the requests, and nowhere else.

import { logIn } from "./api.js";
import { el } from "./dom.js";

// login shows the form, with what was wrong the last time, and calls done when it was filled in.
export function login(root, wrong, done) {
	const user = el("input", { name: "user", autocomplete: "username", autocapitalize: "off", spellcheck: "false" });
	const password = el("input", { name: "password", type: "password", autocomplete: "current-password",
		required: true });
	const problem = wrong && el("p", { class: "problem", role: "alert" },
		wrong.word === "WRONGPASS" ? "That is not right. Try again." : wrong.message);
	const form = el("form", { class: "login card", onsubmit: (event) => {
		event.preventDefault();
		logIn(user.value, password.value);
		done();
	} },
	el("h1", { tabindex: "-1" }, "Log in"),
	el("p", { class: "quiet" }, "This ensemble asks who you are."),
	problem,
	el("label", {}, el("span", {}, "User"), user, el("small", { class: "quiet" }, "leave it empty for the default user")),
	el("label", {}, el("span", {}, "Password"), password),
	el("button", { type: "submit", class: "strong" }, "Log in"),
	el("p", { class: "quiet" }, "It is kept until this tab is closed, and sent to this node only."));
	root.replaceChildren(form);
	document.title = "Log in · caucus";
	(wrong ? password : user).focus();
}
