package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// Metrics are those of one node. Its methods may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger

	sync    prometheus.Histogram
	batch   prometheus.Histogram
	request map[string]prometheus.Observer // by way; found once, since it is asked for with every request
}

// How a request was answered, for Answered.
const (
	Write = "write" // through the log
	Read  = "read"  // after a quorum confirmed the leader
	Local = "local" // from this node's own state
)

// New makes the metrics of a node. Read gives its readings; it is called at every scrape, perhaps from
// several goroutines, and should not wait for long.
func New(read func() *Readings, log *slog.Logger) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), log: log, request: map[string]prometheus.Observer{}}
	quick := prometheus.ExponentialBuckets(50e-6, 2, 18) // 50 µs to 6.6 s
	m.sync = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "caucus_fsync_seconds", Buckets: quick,
		Help: "How long an append to the log took, its write and its fdatasync."})
	m.batch = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "caucus_fsync_writes",
		Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		Help:    "Writes of the log that shared one fdatasync."})
	request := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "caucus_request_seconds",
		Buckets: quick, Help: "How long clients waited for a pipeline, or as much of it as went at once, by " +
			"the way that it went: write (through the log), read (confirmed by a quorum), local (this node's own " +
			"state)."},
		[]string{"way"})
	for _, way := range []string{Write, Read, Local} {
		m.request[way] = request.WithLabelValues(way)
	}
	m.registry.MustRegister(m.sync, m.batch, request, &table{read},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Synced notes an append to the log that made so many writes durable.
func (m *Metrics) Synced(took time.Duration, writes int) {
	m.sync.Observe(took.Seconds())
	m.batch.Observe(float64(writes))
}

// SlowSync gives what 99 of a hundred appends to the log did not exceed since the node started, to the next
// step of the histogram; 0 when there was none.
func (m *Metrics) SlowSync() time.Duration {
	var told dto.Metric
	if err := m.sync.Write(&told); err != nil {
		m.log.Warn("the times of syncs cannot be read", "error", err)
		return 0
	}
	h := told.GetHistogram()
	for _, b := range h.GetBucket() {
		if 100*b.GetCumulativeCount() >= 99*h.GetSampleCount() && h.GetSampleCount() > 0 {
			return time.Duration(b.GetUpperBound() * float64(time.Second))
		}
	}
	return time.Duration(h.GetSampleSum() * float64(time.Second)) // longer than any step
}

// Answered notes that a client was answered, by one of the ways above.
func (m *Metrics) Answered(way string, took time.Duration) {
	m.request[way].Observe(took.Seconds())
}

// Handler serves the metrics, in whichever of Prometheus' formats the client asks for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4,
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn)})
}

// table collects what stands in the readings.
type table struct{ read func() *Readings }

// Describe tells nothing: which metrics there are depends on the readings.
func (*table) Describe(chan<- *prometheus.Desc) {}

// Collect gives the metrics of one reading.
func (t *table) Collect(out chan<- prometheus.Metric) {
	r := t.read()
	for _, row := range rows() {
		desc := prometheus.NewDesc(row.name, row.help, row.labels, nil)
		kind := prometheus.GaugeValue
		if row.counts {
			kind = prometheus.CounterValue
		}
		row.read(r, func(value float64, labels ...string) {
			metric, err := prometheus.NewConstMetric(desc, kind, value, labels...)
			if err != nil {
				metric = prometheus.NewInvalidMetric(desc, err)
			}
			out <- metric
		})
	}
}
