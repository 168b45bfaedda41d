//go:build chaos

package machine

import "github.com/caucus-project/caucus/internal/entry"

// version is "next" where the linker was told so.
var version string

// Supported is the feature level of this version or, in a binary of the next one, the level of that.
var Supported = map[string]uint16{"": entry.Level, "next": Next}[version]
