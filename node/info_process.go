package node

import (
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/caucus-project/caucus/internal/replica"
)

// What INFO says of the process: server, memory, persistence, CPU.

// started is when the process began.
var started = time.Now()

func (n *Node) infoServer(_ *report, l *lines) {
	_, port := hostPort(n.me.Client)
	up := time.Since(started)
	l.add("redis_version", "7.0.15")
	l.add("redis_mode", "cluster") // as CLUSTER answers
	l.add("caucus_version", Version)
	l.add("os", runtime.GOOS+" "+runtime.GOARCH)
	l.add("arch_bits", 32<<(^uint(0)>>63))
	l.add("go_version", runtime.Version())
	l.add("process_id", os.Getpid())
	l.add("run_id", formatID(n.me.Boot))
	l.add("tcp_port", port)
	l.add("server_time_usec", n.cfg.clock().Wall)
	l.add("uptime_in_seconds", int(up.Seconds()))
	l.add("uptime_in_days", int(up.Hours()/24))
}

// holdings is what the state holds.
type holdings struct {
	keys, expiring int
	level          uint16   // the feature level of the ensemble
	sessions, here int      // all, and those attached to this node
	memory, limit  int64    // bytes; limit 0 for none
	settings       []string // of the ensemble, names and values in turn, in order
	expected       string   // names that ADD_NODE keeps for newcomers, each with its address
}

func (n *Node) holdings() (h holdings) {
	n.owner.inspect(func(r *replica.Replica) {
		h.keys, h.expiring = r.State().KeyCount()
		h.level = r.State().Level()
		h.sessions, h.here = r.State().SessionCount(), r.State().SessionsAt(n.me.ID)
		h.memory, h.limit = r.State().Memory(), r.State().MaxMemory()
		h.settings = append(r.State().Limits(), "notify-keyspace-events", r.State().Notify())
		var list []string
		for _, one := range r.State().Reservations() {
			list = append(list, one[0]+"="+one[1])
		}
		h.expected = strings.Join(list, ",")
	})
	return h
}

func (n *Node) infoMemory(r *report, l *lines) {
	used := r.held.memory
	l.add("used_memory", used)
	l.add("used_memory_human", megabytes(used))
	l.add("used_memory_rss", processMemory())
	l.add("used_memory_rss_human", megabytes(processMemory()))
	l.add("maxmemory", r.held.limit)
	l.add("maxmemory_human", megabytes(r.held.limit))
	l.add("maxmemory_policy", "noeviction")
}

// processMemory gives the bytes that the process holds from the system, as Go's runtime counts them.
func processMemory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// infoPersistence speaks of the log as of Redis' append-only file, and of the snapshots as of its RDB.
func (n *Node) infoPersistence(r *report, l *lines) {
	saves := n.disk.saves.Load()
	l.add("loading", 0)
	l.add("rdb_changes_since_last_save", r.Applied-min(r.Applied, r.Last))
	l.add("rdb_bgsave_in_progress", flag(saves.writing))
	l.add("rdb_last_save_time", saves.at.Unix())
	l.add("rdb_last_bgsave_status", okOr(saves.err))
	l.add("rdb_last_bgsave_time_sec", int(saves.took.Seconds()))
	l.add("rdb_saves", saves.count)
	l.add("aof_enabled", 1)
	l.add("aof_rewrite_in_progress", 0)
	l.add("aof_last_write_status", "ok") // a node whose log cannot be written stops
	l.add("aof_current_size", n.store.Stats().Held)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func okOr(err error) string {
	if err != nil {
		return "err"
	}
	return "ok"
}

func (n *Node) infoCPU(_ *report, l *lines) {
	user, system, ok := processorTime()
	if ok {
		l.add("used_cpu_sys", system.Seconds())
		l.add("used_cpu_user", user.Seconds())
	}
}
