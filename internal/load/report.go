package load

import (
	"maps"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run came to.
type Report struct {
	Commands uint64 // answered, errors not among them
	Reads    uint64 // of them, GET
	Elapsed  time.Duration
	// Errors counts what was not answered well, by its word: TRYAGAIN, UNCERTAIN and the like as the node
	// said them, DIAL for a connection that could not be made, LOST for commands whose connection broke.
	Errors map[string]uint64

	latency *hdrhistogram.Histogram
}

// The names of errors that no node says.
const (
	Dial = "DIAL"
	Lost = "LOST"
)

// Latencies are kept from a microsecond to a minute, to a hundredth of their value: a histogram for each
// connection stays small.
const (
	shortest = 1
	longest  = 60_000_000
	digits   = 2
)

func newReport() *Report {
	return &Report{Errors: map[string]uint64{}, latency: hdrhistogram.New(shortest, longest, digits)}
}

// PerSecond gives the commands answered in a second.
func (r *Report) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Commands) / r.Elapsed.Seconds()
}

// Latency gives the time within which so many of a hundred commands were answered, measured from the
// sending of the pipeline that they were in. 0 when none was.
func (r *Report) Latency(percent float64) time.Duration {
	return time.Duration(r.latency.ValueAtQuantile(percent)) * time.Microsecond
}

// Failed gives the number of errors.
func (r *Report) Failed() (n uint64) {
	for _, count := range r.Errors {
		n += count
	}
	return n
}

// Words gives the words of the errors that were met, sorted.
func (r *Report) Words() []string { return slices.Sorted(maps.Keys(r.Errors)) }

func (r *Report) answered(took time.Duration, read bool) {
	r.Commands++
	if read {
		r.Reads++
	}
	// Held within the histogram's range, a value is never refused.
	_ = r.latency.RecordValue(min(max(took.Microseconds(), shortest), longest))
}

// add takes over what one connection came to.
func (r *Report) add(other *Report) {
	r.Commands += other.Commands
	r.Reads += other.Reads
	for word, n := range other.Errors {
		r.Errors[word] += n
	}
	r.latency.Merge(other.latency)
}

// Bucket counts the answers that took longer than those of the bucket before it, and no longer than UpTo.
type Bucket struct {
	UpTo  time.Duration
	Count uint64
}

// Buckets gives the distribution of latencies, each bucket reaching half as far again as the one before,
// from the first that is not empty to the last.
func (r *Report) Buckets() (buckets []Bucket) {
	limit, bucket := int64(8), Bucket{}
	flush := func() {
		if bucket.Count > 0 || len(buckets) > 0 {
			bucket.UpTo = time.Duration(limit) * time.Microsecond
			buckets = append(buckets, bucket)
		}
		bucket, limit = Bucket{}, limit+limit/2
	}
	for _, bar := range r.latency.Distribution() {
		if bar.Count == 0 {
			continue
		}
		for bar.From > limit {
			flush()
		}
		bucket.Count += uint64(bar.Count)
	}
	if bucket.Count > 0 {
		flush()
	}
	return buckets
}
