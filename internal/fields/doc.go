// Package fields appends numbers and strings to bytes and takes them off again. Every format of ours (log
// entries, snapshots, peer frames) is made of these few fields, and every reader of them treats what it
// reads as coming from a stranger: a damaged count or length is an error, never a large allocation.
//
// It knows no format itself and imports the standard library only.
package fields
