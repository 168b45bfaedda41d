// Package deploy is what one needs beside the binary to run an ensemble: alert rules and a dashboard for
// its metrics (prometheus, grafana), units and manifests that start nodes (systemd, docker, compose,
// kubernetes), and the script that makes a release. It has no code, only tests that hold these files
// against what a node and the command line really offer.
//
// It is not for what caucus itself reads. Its tests may import everything.
package deploy
