// Package dashboard tests the dashboard as its users have it: real nodes, shown by a real Chromium. A
// message on the console of a page, an exception, or anything that its policy refuses is a failure.
// Pictures of every page are kept where CAUCUS_SHOTS says. It starts real processes, and imports chromedp,
// nodetest and tool.
package dashboard
