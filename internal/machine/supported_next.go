//go:build next

package machine

// Supported is the level of the next version, in a binary that tests build.
const Supported = Next
