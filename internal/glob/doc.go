// Package glob matches names against patterns as Redis does: KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET.
//
// It is not for file paths: a star matches every byte. It imports nothing of ours.
//
// Who writes patterns and who writes names may both mean harm, so no pattern may take long. A matcher that
// goes back to its last star takes len(pattern) * len(name) steps. This one goes through a name once, and
// keeps in a set of bits how much of the pattern may have been matched so far: 64 elements are one step.
package glob
