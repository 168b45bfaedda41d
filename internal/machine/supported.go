//go:build !next

package machine

import "github.com/caucus-project/caucus/internal/entry"

// Supported is the feature level of this version. Tests build binaries of the next one (-tags next), so that
// upgrades are tried with real processes before there is one.
const Supported = entry.Level
