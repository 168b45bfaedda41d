// The colours of members: neighbours in the order of joining get hues that are far apart.

const darkly = matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
	const chosen = document.documentElement.dataset.theme;
	return chosen ? chosen === "dark" : darkly.matches;
}

export function colourOf(order) {
	const hue = (order * 137.508 + 205) % 360;
	const step = 0.05 * (Math.floor(order / 9) % 3);
	return isDark() ? `oklch(${0.74 - step} 0.12 ${hue})` : `oklch(${0.62 + step} 0.13 ${hue})`;
}

// ink gives one of the page's own colours as a value that a canvas takes.
export function ink(element, property) {
	const probe = document.createElement("span");
	probe.style.color = `var(${property})`;
	element.append(probe);
	const colour = getComputedStyle(probe).color;
	probe.remove();
	return colour;
}
