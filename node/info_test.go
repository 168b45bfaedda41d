package node_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

// lone gives a node that is an ensemble alone.
func lone(t *testing.T) *node.Node {
	t.Helper()
	return nodetest.InProcess(t, 1, nil)[0]
}

func infoOf(t *testing.T, n *node.Node, sections ...string) string {
	t.Helper()
	reply := waist.Of(n).Local(t.Context(), append(caucus.Command{"INFO"}, sections...))
	if reply.Kind != caucus.KindVerbatim {
		t.Fatalf("INFO %v: %+v", sections, reply)
	}
	return reply.Str
}

// titles gives the sections of a text, in order.
func titles(text string) (list []string) {
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			list = append(list, strings.TrimSpace(title))
		}
	}
	return list
}

// Redis' tools look for these; redis-cli --stat shows nonsense for a field of its that is missing.
func TestInfoHasWhatToolsLookFor(t *testing.T) {
	text := infoOf(t, lone(t), "everything")
	for section, fields := range map[string]string{
		"Server": "redis_version redis_mode os arch_bits process_id run_id tcp_port uptime_in_seconds " +
			"uptime_in_days caucus_version",
		"Clients": "connected_clients maxclients max_open_files blocked_clients",
		"Memory":  "used_memory used_memory_human used_memory_rss maxmemory maxmemory_policy",
		"Persistence": "loading rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time " +
			"rdb_last_bgsave_status aof_enabled aof_last_write_status aof_current_size",
		"Stats": "total_connections_received total_commands_processed total_net_input_bytes " +
			"total_net_output_bytes rejected_connections total_error_replies pubsub_channels",
		"Replication": "role connected_slaves master_replid master_repl_offset",
		"CPU":         "used_cpu_sys used_cpu_user",
		"Ensemble": "cluster_id node leader term commit applied voters learners losses_borne " +
			"sessions sessions_here expected_nodes last_checkpoint clock_ahead_ms clocks_off " +
			"clock_rate_off disk_free disk_low peers_down feature_level feature_level_supported sync_p99_usec " +
			"disk_hung digests_compared_at",
		"Cluster":  "cluster_enabled",
		"Keyspace": "db0",
	} {
		_, body, found := strings.Cut(text, "# "+section+"\r\n")
		body, _, _ = strings.Cut(body, "\r\n\r\n")
		if !found {
			t.Errorf("no section %s", section)
		}
		for field := range strings.FieldsSeq(fields) {
			if !strings.Contains("\r\n"+body, "\r\n"+field+":") {
				t.Errorf("%s has no %s:\n%s", section, field, body)
			}
		}
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if !regexp.MustCompile(`^(|# \w+|[\w|]+:[^\r\n]*)$`).MatchString(line) {
			t.Errorf("%q is neither title nor field", line)
		}
	}
}

func TestInfoGivesTheSectionsThatAreAskedFor(t *testing.T) {
	n := lone(t)
	usual := titles(infoOf(t, n))
	all := titles(infoOf(t, n, "all"))
	if slices.Contains(usual, "Commandstats") || !slices.Contains(all, "Commandstats") ||
		len(all) != len(usual)+1 {
		t.Errorf("by default %v, all %v", usual, all)
	}
	for _, c := range []struct {
		ask  string
		want []string
	}{
		{"default", usual}, {"everything", all}, {"REPLICATION", []string{"Replication"}},
		{"keyspace server", []string{"Server", "Keyspace"}}, {"nosuch", nil},
		{"nosuch clients", []string{"Clients"}}, {"commandstats default", all},
	} {
		if got := titles(infoOf(t, n, strings.Fields(c.ask)...)); !slices.Equal(got, c.want) {
			t.Errorf("INFO %s: %v, want %v", c.ask, got, c.want)
		}
	}
}

// The master names its replicas with what they have, and a replica its master.
func TestInfoReplicationNamesTheOthers(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	client, _, _ := nodes[0].Addresses()
	host, port, _ := strings.Cut(client, ":")
	nodetest.Eventually(t, "one is the master, the other its replica", func() bool {
		master, replica := infoOf(t, nodes[0], "replication"), infoOf(t, nodes[1], "replication")
		return strings.Contains(master, "role:master\r\nconnected_slaves:1\r\nslave0:ip=127.0.0.1,port=") &&
			strings.Contains(master, ",state=online,offset=") &&
			strings.Contains(replica, "role:slave\r\nmaster_host:"+host+"\r\nmaster_port:"+port+"\r\n")
	})
}
