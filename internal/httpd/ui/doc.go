// Package ui is the dashboard: the page at "/", and the style sheets and scripts that it loads from below
// "/ui/".
//
// It is for the files alone, which are part of the binary as they stand in web/: no build chain, nothing from
// elsewhere. What they show they ask of the JSON API like anybody. Everything that came from a client is put
// into the page as text, never as markup (web/dom.js). Who may load the page, and under which policy, is for
// httpd to say. It imports the standard library only.
package ui
