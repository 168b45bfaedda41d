// Package glob matches names against patterns as Redis does: KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET.
//
// It is not for file paths: a star matches every byte. It imports nothing of ours.
package glob
