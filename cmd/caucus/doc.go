// Command caucus is the one binary: a node of an ensemble (serve), and the commands by which people and shell
// scripts use one. There is a file per verb; this is the only place that knows flags, signals and exit
// statuses.
package main
