// The theme is chosen before anything is painted; so this is no module.
"use strict";
(() => {
	const root = document.documentElement;
	let chosen = null;
	try {
		chosen = localStorage.getItem("caucus.theme");
	} catch {
		// A browser that stores nothing follows the system.
	}
	if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
