// What is put into the page, and how. Names, metadata, keys and events come from clients: they are text and
// nothing else, so there is no way here to make markup of a string.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
	for (const [name, value] of Object.entries(attributes ?? {})) {
		if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
		else if (value === true) element.setAttribute(name, "");
		else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
	}
	element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
	return element;
}

// el makes an element of HTML. A child that is no node becomes text.
export function el(tag, attributes, ...children) {
	return fill(document.createElement(tag), attributes, children);
}

// svg makes an element of a picture.
export function svg(tag, attributes, ...children) {
	return fill(document.createElementNS(SVG, tag), attributes, children);
}

// set changes attributes, and only those that are others, so that nothing is drawn for nothing.
export function set(element, attributes) {
	for (const [name, value] of Object.entries(attributes)) {
		if (value === null || value === false || value === undefined) element.removeAttribute(name);
		else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
	}
	return element;
}

// say changes the text of an element, if it is another.
export function say(element, text) {
	if (element.textContent !== String(text)) element.textContent = text;
	return element;
}

// pill is a word with the colour of what it means: good, warn, bad, accent or quiet.
export const pill = (mood, ...text) => el("span", { class: `pill ${mood}` }, ...text);

// card is a part of a page with a heading, and perhaps something beside it.
export function card(title, beside, ...children) {
	const head = el("header", { class: "head" }, el("h2", {}, title), beside);
	return el("section", { class: "card" }, head, ...children);
}

// tile is one figure; its parts can be changed by the functions that it has.
export function tile(label) {
	const value = el("dd", {}, "–");
	const note = el("dd", { class: "note" });
	const root = el("div", { class: "tile" }, el("dt", {}, label), value, note);
	return { root, show(text, beside = "", mood = "") {
		say(value, text);
		say(note, beside);
		set(value, { class: mood || null });
	} };
}

// heading is that of a page; it takes the focus when the page is opened, so that a reader begins there.
export function heading(title, ...beside) {
	return el("header", { class: "title" }, el("h1", { tabindex: "-1" }, title), ...beside);
}

// search is a field that "/" leads to.
export function search(label, value, changed) {
	return el("label", { class: "search" }, el("span", { class: "unseen" }, label),
		el("input", { type: "search", placeholder: label, value, "data-search": true, autocomplete: "off",
			spellcheck: "false", autocapitalize: "off", "aria-keyshortcuts": "/",
			oninput: (event) => changed(event.target.value) }),
		el("kbd", { "aria-hidden": "true" }, "/"));
}
