// Package overview has the shape in which an ensemble is shown as a whole: what ENSEMBLE STATUS answers,
// and with it GET /v1/status and caucus status --json (WIRE "HTTP").
//
// It is for the words and their order alone. Who gathers what stands in them is the node, and who prints them
// for people the command line. It may import the root package only.
package overview
