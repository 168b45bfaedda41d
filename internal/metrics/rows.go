package metrics

import (
	"maps"
	"slices"
	"strconv"
)

// row is one metric that is read when it is scraped.
type row struct {
	name, help string
	labels     []string
	counts     bool // only rises
	read       func(r *Readings, put put)
}

type put func(value float64, labels ...string)

// rows is the table of metrics, in the order of docs/metrics.md. Labels have few values: names of nodes,
// doors, families of commands, words of errors, and members that hold up a group.
func rows() []row {
	return slices.Concat(nodeRows(), logRows(), stateRows(), vitalRows(), clientRows(), limitRows(), peerRows(),
		tlsRows())
}

// number makes the reading of a metric without labels.
func number[N int | int64 | uint64](of func(*Readings) N) func(*Readings, put) {
	return func(r *Readings, put put) { put(float64(of(r))) }
}

// ensemble, state: number of what is only known while that part is.
func ensemble[N int | int64 | uint64](of func(*Ensemble) N) func(*Readings, put) {
	return func(r *Readings, put put) {
		if r.Ensemble != nil {
			put(float64(of(r.Ensemble)))
		}
	}
}

func state[N int | int64](of func(*State) N) func(*Readings, put) {
	return func(r *Readings, put put) {
		if r.State != nil {
			put(float64(of(r.State)))
		}
	}
}

// each makes the reading of a metric with one label, whose values are the keys of a map.
func each[N int64 | uint64](of func(*Readings) map[string]N) func(*Readings, put) {
	return func(r *Readings, put put) {
		all := of(r)
		for _, label := range slices.Sorted(maps.Keys(all)) {
			put(float64(all[label]), label)
		}
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func nodeRows() []row {
	return []row{
		{name: "caucus_build_info",
			help: "Always 1; the labels tell what runs.", labels: []string{"version", "goversion"},
			read: func(r *Readings, put put) { put(1, r.Version, r.GoVersion) }},
		{name: "caucus_node_info",
			help: "Always 1; the labels tell who this is.", labels: []string{"node", "cluster"},
			read: func(r *Readings, put put) {
				if r.Ensemble != nil {
					put(1, r.Name, r.Cluster)
				}
			}},
		{name: "caucus_ready", help: "1 when linearizable requests can be served here, as /readyz says.",
			read: number(func(r *Readings) int { return truth(r.Ready) })},
		{name: "caucus_owner_stalled",
			help: "1 when the node did not answer this scrape within a second, so that what " +
				"the state holds is not told.",
			read: number(func(r *Readings) int { return truth(r.Ensemble != nil && r.State == nil) })},
		{name: "caucus_role",
			help: "1 for the role that the node has, 0 for the others.", labels: []string{"role"},
			read: func(r *Readings, put put) {
				for _, role := range []string{"leader", "follower", "candidate", "learner"} {
					if r.Ensemble != nil {
						put(float64(truth(r.Role == role)), role)
					}
				}
			}},
		{name: "caucus_term", help: "Raft term.", read: ensemble(func(e *Ensemble) uint64 { return e.Term })},
		{name: "caucus_leader_known", help: "1 when the node knows who leads.",
			read: ensemble(func(e *Ensemble) int { return truth(e.Leader != 0) })},
		{name: "caucus_leader_changes_total", help: "Leaders that this node has come to know, itself among them.",
			counts: true, read: ensemble(func(e *Ensemble) uint64 { return e.Leaders })},
		{name: "caucus_elections_total", help: "Elections that this node has called.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.Campaigns })},
		{name: "caucus_elections_won_total", help: "Terms that this node has led.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.Won })},
		{name: "caucus_voters",
			help: "Nodes that vote.", read: ensemble(func(e *Ensemble) int { return e.Voters })},
		{name: "caucus_learners", help: "Nodes that do not vote yet.",
			read: ensemble(func(e *Ensemble) int { return e.Learners })},
	}
}

func logRows() []row {
	return []row{
		{name: "caucus_commit_index", help: "Newest entry known to be committed.",
			read: ensemble(func(e *Ensemble) uint64 { return e.Commit })},
		{name: "caucus_applied_index", help: "Newest entry applied here.",
			read: ensemble(func(e *Ensemble) uint64 { return e.Applied })},
		{name: "caucus_apply_lag", help: "Entries known to be committed and not applied here yet.",
			read: ensemble(func(e *Ensemble) uint64 { return e.Commit - min(e.Commit, e.Applied) })},
		{name: "caucus_log_entries", help: "Entries of the log that are kept in memory.",
			read: ensemble(func(e *Ensemble) uint64 { return e.LastEntry + 1 - min(e.FirstEntry, e.LastEntry+1) })},
		{name: "caucus_log_bytes", help: "Bytes that the log takes on disk, those reserved among them.",
			read: ensemble(func(e *Ensemble) int64 { return e.LogBytes })},
		{name: "caucus_disk_written_bytes_total", help: "Bytes of log and snapshots written.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.DiskBytes })},
		{name: "caucus_disk_syncs_total", help: "Syncs of files of log and snapshots.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.Syncs })},
		{name: "caucus_snapshots_total", help: "Snapshots of this node that were written.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.Snapshots.Written })},
		{name: "caucus_snapshot_failures_total",
			help: "Snapshots of this node that could not be written.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.Snapshots.Failed })},
		{name: "caucus_snapshot_writing", help: "1 while a snapshot is being written.",
			read: ensemble(func(e *Ensemble) int { return truth(e.Snapshots.Writing) })},
		{name: "caucus_snapshot_index", help: "Index of the newest durable snapshot.",
			read: ensemble(func(e *Ensemble) uint64 { return e.Snapshots.Last })},
		{name: "caucus_snapshot_begun_timestamp_seconds",
			help: "When the last snapshot was begun, or else the node.",
			read: ensemble(func(e *Ensemble) int64 { return e.Snapshots.At.Unix() })},
		{name: "caucus_snapshot_duration_seconds", help: "How long the last snapshot took.",
			read: func(r *Readings, put put) {
				if r.Ensemble != nil {
					put(r.Snapshots.Took.Seconds())
				}
			}},
	}
}

func stateRows() []row {
	return []row{
		{name: "caucus_sessions",
			help: "Sessions that live.", read: state(func(s *State) int { return s.Sessions })},
		{name: "caucus_session_ends_total",
			help: "Sessions that ended, by reason: expired (silent for the TTL), lost " +
				"(connection closed, and the grace over), closed (SESSION CLOSE), removed (evicted).",
			labels: []string{"reason"}, counts: true, read: each(func(r *Readings) map[string]uint64 {
				if r.Ensemble == nil {
					return nil
				}
				return r.Ends
			})},
		{name: "caucus_groups", help: "Groups.", read: state(func(s *State) int { return s.Groups })},
		{name: "caucus_groups_settling", help: "Groups that are settling: nobody in them has an index.",
			read: state(func(s *State) int { return s.Settling })},
		{name: "caucus_members", help: "Memberships, of all groups together.",
			read: state(func(s *State) int { return s.Members })},
		{name: "caucus_slots_moving", help: "Slots that their holders were asked to release and hold still.",
			read: state(func(s *State) int { return s.Moving })},
		{name: "caucus_slots_stuck",
			help: "Slots that a member was asked to release, while it has released none for longer " +
				"than its TTL; of each group at most the one that was asked first.",
			labels: []string{"group", "member"}, read: stuck},
		{name: "caucus_polls_open", help: "Polls that are not decided yet.",
			read: state(func(s *State) int { return s.Polls })},
		{name: "caucus_keys", help: "Keys.", read: state(func(s *State) int { return s.Keys })},
		{name: "caucus_keys_with_ttl", help: "Keys that will expire.",
			read: state(func(s *State) int { return s.Expiring })},
		{name: "caucus_keys_expired_total", help: "Keys that expired.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.ExpiredKeys })},
		{name: "caucus_memory_bytes",
			help: "Bytes that keys and values are counted with, the same on every node.",
			read: state(func(s *State) int64 { return s.MemoryBytes })},
		{name: "caucus_memory_limit_bytes", help: "What caucus_memory_bytes may be (maxmemory), 0 for no limit.",
			read: state(func(s *State) int64 { return s.LimitBytes })},
	}
}

func stuck(r *Readings, put put) {
	if r.State == nil {
		return
	}
	for _, s := range r.Stuck {
		put(float64(s.Slots), s.Group, s.Member)
	}
}

func vitalRows() []row {
	return []row{
		{name: "caucus_clock_offset_seconds", help: "How far the wall clock is ahead of the ensemble's clock.",
			read: func(r *Readings, put put) {
				if r.Ensemble != nil {
					put(r.Vitals.Clock.Seconds())
				}
			}},
		{name: "caucus_clocks_off", help: "On the leader: voters whose wall clocks are too far off to count.",
			read: ensemble(func(e *Ensemble) int { return e.Vitals.ClocksOff })},
		{name: "caucus_clock_rate_off",
			help: "1 when this node's clock and the leader's differ in rate by more than 2 %: one of them is wrong.",
			read: ensemble(func(e *Ensemble) int { return truth(e.Vitals.RateOff) })},
		{name: "caucus_disk_free_bytes", help: "Bytes that are free where the data are.",
			read: ensemble(func(e *Ensemble) uint64 { return e.Vitals.FreeBytes })},
		{name: "caucus_disk_low", help: "1 when the disk is low on space; what grows will be refused, or is.",
			read: ensemble(func(e *Ensemble) int { return truth(e.Vitals.Low) })},
		{name: "caucus_disk_hung", help: "1 when the disk does not answer.",
			read: ensemble(func(e *Ensemble) int { return truth(e.Vitals.Hung) })},
		{name: "caucus_digest_index", help: "Entry at which the nodes' states were last compared.",
			read: ensemble(func(e *Ensemble) uint64 { return e.Vitals.DigestIndex })},
	}
}

// doors makes the reading of a metric with the label door.
func doors(of func(*Door) float64) func(*Readings, put) {
	return func(r *Readings, put put) {
		put(of(&r.Clients), "resp")
		put(of(&r.HTTP), "http")
	}
}

func clientRows() []row {
	door := []string{"door"}
	return []row{
		{name: "caucus_connections", help: "Connections of clients that stand.", labels: door,
			read: doors(func(d *Door) float64 { return float64(d.Open) })},
		{name: "caucus_connections_accepted_total", help: "Connections of clients that were taken.", labels: door,
			counts: true, read: doors(func(d *Door) float64 { return float64(d.Accepted) })},
		{name: "caucus_connections_refused_total",
			help: "Connections of clients that were refused or cut, by why: " +
				"too_many, denied (from elsewhere, without a password), slow (its reader did not read).",
			labels: []string{"door", "why"}, counts: true, read: refusedConnections},
		{name: "caucus_subscribers",
			help:   "Connections that listen: to a channel or pattern, or to the events of a group.",
			labels: door, read: doors(func(d *Door) float64 { return float64(d.Subscribers) })},
		{name: "caucus_client_memory_bytes",
			help: "Bytes of requests that are coming, and of answers and messages that were not taken, beyond " +
				"64 KiB of each connection; --max-client-memory bounds them.",
			read: number(func(r *Readings) int64 { return r.ClientBytes })},
		{name: "caucus_failed_logins_total", counts: true,
			help: "Log-ins of clients with a wrong password, or as a user who is not there or off.",
			read: number(func(r *Readings) uint64 { return r.FailedLogins })},
		{name: "caucus_rate_refusals_total", counts: true,
			help: "Commands that were refused since their user asks for more in a second than --max-user-rate.",
			read: number(func(r *Readings) uint64 { return r.RateRefused })},
		{name: "caucus_waiting_commands", help: "Commands that wait for something to happen.",
			read: number(func(r *Readings) int64 { return r.Waiting })},
		{name: "caucus_client_read_bytes_total",
			help: "Bytes that came from clients.", labels: door, counts: true,
			read: doors(func(d *Door) float64 { return float64(d.ReadBytes) })},
		{name: "caucus_client_written_bytes_total",
			help: "Bytes that went to clients.", labels: door, counts: true,
			read: doors(func(d *Door) float64 { return float64(d.WrittenBytes) })},
		{name: "caucus_commands_total",
			help: "Commands over RESP by family and outcome: ok, failed (answered with an " +
				"error), rejected (not carried out, since the client had not proven itself).",
			labels: []string{"family", "outcome"}, counts: true, read: commands},
		{name: "caucus_commands_waited_seconds_total",
			help: "How long clients waited for commands over RESP, in sum; " +
				"those of one pipeline wait together, and it counts for each.",
			labels: []string{"family"}, counts: true, read: func(r *Readings, put put) {
				for _, family := range slices.Sorted(maps.Keys(r.Commands)) {
					put(r.Commands[family].Took.Seconds(), family)
				}
			}},
		{name: "caucus_refusals_total",
			help: "Error replies over RESP, by their first word.", labels: []string{"word"},
			counts: true, read: each(func(r *Readings) map[string]uint64 { return r.Refusals })},
		{name: "caucus_http_responses_total", help: "Answers over HTTP, by status.", labels: []string{"code"},
			counts: true, read: func(r *Readings, put put) {
				for _, code := range slices.Sorted(maps.Keys(r.Responses)) {
					put(float64(r.Responses[code]), strconv.Itoa(code))
				}
			}},
	}
}

func limitRows() []row {
	return []row{
		{name: "caucus_limit", labels: []string{"limit"},
			help: "The bounds that are in force, by the name of their setting: those of this node, as max-clients " +
				"(at each door), and those of the ensemble, as max-groups. One that is none is not told.",
			read: each(func(r *Readings) map[string]int64 { return r.Limits })},
		{name: "caucus_limit_refusals_total", labels: []string{"limit"}, counts: true,
			help: "Errors that clients of this node were answered since a limit is reached, by that limit, over " +
				"RESP and HTTP, but for those within the answer to a transaction. What --max-clients and " +
				"--max-user-rate turn away is in caucus_connections_refused_total and caucus_rate_refusals_total.",
			read: each(func(r *Readings) map[string]uint64 { return r.LimitRefusals })},
	}
}

func refusedConnections(r *Readings, put put) {
	for why, of := range map[string]func(*Door) uint64{
		"too_many": func(d *Door) uint64 { return d.TooMany },
		"denied":   func(d *Door) uint64 { return d.Denied },
		"slow":     func(d *Door) uint64 { return d.Cut },
	} {
		put(float64(of(&r.Clients)), "resp", why)
		put(float64(of(&r.HTTP)), "http", why)
	}
}

func commands(r *Readings, put put) {
	for _, family := range slices.Sorted(maps.Keys(r.Commands)) {
		c := r.Commands[family]
		put(float64(c.Done), family, "ok")
		put(float64(c.Failed), family, "failed")
		put(float64(c.Rejected), family, "rejected")
	}
}

// peers makes the reading of a metric with the label peer.
func peers(of func(*Peer) (value float64, known bool)) func(*Readings, put) {
	return func(r *Readings, put put) {
		if r.Ensemble == nil {
			return
		}
		for i := range r.Peers {
			if value, known := of(&r.Peers[i]); known {
				put(value, r.Peers[i].Name)
			}
		}
	}
}

func peerRows() []row {
	peer := []string{"peer"}
	return []row{
		{name: "caucus_peer_up", help: "1 when a connection to the peer stands.", labels: peer,
			read: peers(func(p *Peer) (float64, bool) { return float64(truth(p.Up)), true })},
		{name: "caucus_peer_lag",
			help: "On the leader: entries committed and not known to be at the peer.", labels: peer,
			read: peers(func(p *Peer) (float64, bool) { return float64(p.Lag), p.LagKnown })},
		{name: "caucus_peer_queue_bytes", help: "Bytes that wait to be sent to the peer.", labels: peer,
			read: peers(func(p *Peer) (float64, bool) { return float64(p.QueueBytes), true })},
		{name: "caucus_peer_dropped_frames_total", help: "Frames to the peer that were dropped.", labels: peer,
			counts: true, read: peers(func(p *Peer) (float64, bool) { return float64(p.Dropped), true })},
		{name: "caucus_peers_sent_bytes_total", help: "Bytes sent to peers.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.PeerSentBytes })},
		{name: "caucus_peers_received_bytes_total", help: "Bytes received from peers.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.PeerReceivedBytes })},
		{name: "caucus_peers_sent_frames_total", help: "Frames sent to peers.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.FramesSent })},
		{name: "caucus_peers_received_frames_total", help: "Frames received from peers.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.FramesReceived })},
		{name: "caucus_peers_dropped_frames_total",
			help: "Frames to peers that were dropped, also to those forgotten " +
				"since.", counts: true, read: ensemble(func(e *Ensemble) uint64 { return e.Dropped })},
		{name: "caucus_peers_connected_total", help: "Connections to peers that were made.", counts: true,
			read: ensemble(func(e *Ensemble) uint64 { return e.Connects })},
		{name: "caucus_peers_refused_total", help: "Connections that claimed to be of a peer and were refused.",
			counts: true, read: ensemble(func(e *Ensemble) uint64 { return e.Refused })},
		{name: "caucus_peers_garbled_total",
			help:   "Connections of peers that were closed because what came was no frame.",
			counts: true, read: ensemble(func(e *Ensemble) uint64 { return e.Garbled })},
		{name: "caucus_peers_foreign_total",
			help:   "Messages of peers that were dropped because no peer may send them.",
			counts: true, read: ensemble(func(e *Ensemble) uint64 { return e.Foreign })},
	}
}
