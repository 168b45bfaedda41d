// The colours of members: neighbours in the order of joining get hues that are far apart.

const darkly = matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
	const chosen = document.documentElement.dataset.theme;
	return chosen ? chosen === "dark" : darkly.matches;
}

// hueOf gives the hue of a member by the order in which it joined.
export const hueOf = (order) => (order * 137.508 + 205) % 360;

// colourOf gives its colour now; views.css has the same for a swatch.
export const colourOf = (order) => isDark() ? `oklch(0.74 0.12 ${hueOf(order)})` : `oklch(0.64 0.13 ${hueOf(order)})`;

// ink gives one of the page's own colours as a value that a canvas takes.
export function ink(element, property) {
	const probe = document.createElement("span");
	probe.style.color = `var(${property})`;
	element.append(probe);
	const colour = getComputedStyle(probe).color;
	probe.remove();
	return colour;
}
