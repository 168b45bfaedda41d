package main

import (
	"fmt"
	"runtime"

	"github.com/caucus-project/caucus/node"
)

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	_, err := fmt.Printf("caucus %s %s %s/%s\n", node.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
