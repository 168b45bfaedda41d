package main

import (
	"fmt"
	"runtime"

	"github.com/caucus-project/caucus/node"
)

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	_, err := fmt.Println(version())
	return err
}

// build tells a release of what source it was made; deploy/release sets it.
var build = "unreleased"

func version() string {
	return fmt.Sprintf("caucus %s (%s) %s %s/%s", node.Version, build, runtime.Version(), runtime.GOOS,
		runtime.GOARCH)
}
