package dashboard

// contrast fails the test when some text is hard to read: WCAG 2.2 asks for 4.5 against what is behind it,
// 3 if it is large.
func (s *screen) contrast(where string) {
	s.t.Helper()
	for _, poor := range ask[[]string](s, poorly) {
		s.t.Errorf("%s: %s", where, poor)
	}
}

const poorly = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const rgba = (colour) => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = colour;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data];
	};
	const light = ([r, g, b]) => {
		const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const colour = rgba(getComputedStyle(e).backgroundColor);
			if (colour[3] > 200) return colour;
		}
		return [255, 255, 255];
	};
	const poor = new Set();
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
		const box = e.getBoundingClientRect();
		if (!text || box.width < 2 || box.height < 2 || e.closest("svg, .unseen, .skip, [hidden]")) continue;
		const style = getComputedStyle(e);
		if (style.visibility !== "visible") continue;
		const [a, b] = [light(rgba(style.color)), light(behind(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) {
			poor.add(e.tagName + "." + e.className + " has a contrast of " + ratio.toFixed(2) + ": "
				+ e.textContent.slice(0, 40));
		}
	}
	return [...poor].slice(0, 8);
})()`
