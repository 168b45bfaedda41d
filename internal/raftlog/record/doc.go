// Package record is what the payload of a log frame means: it turns records into bytes, and bytes back
// into the log that they tell of.
//
// It is not for files, and it is pure. It may import the raftpb types and the standard library.
package record
