//go:build !chaos

package machine

import "github.com/caucus-project/caucus/internal/entry"

// Supported is the feature level of this version. Tests link binaries of the next one (-tags chaos), so that
// upgrades are tried with real processes before there is one.
const Supported = entry.Level
