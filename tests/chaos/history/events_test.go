package history_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// told gives events their places in a life that begins with 100, and the text that they would come with.
func told(t *testing.T, list ...client.Event) []client.Event {
	t.Helper()
	for i := range list {
		if e := &list[i]; e.Life == 0 {
			e.Life, e.Seq = 100, uint64(101+i)
		}
		raw, err := json.Marshal(list[i])
		if err != nil {
			t.Fatal(err)
		}
		list[i].Raw = string(raw)
	}
	return list
}

func TestMerge(t *testing.T) {
	all := told(t, client.Event{Kind: "joined", Member: "a"}, client.Event{Kind: "leader", Member: "a", Term: 3},
		client.Event{Kind: "settled", Epoch: 4}, client.Event{Kind: "left", Member: "a"},
		client.Event{Kind: "joined", Member: "b", Life: 200, Seq: 201})
	lie := slices.Clone(all)
	lie[2].Epoch = 5
	lie = told(t, lie...)
	gap, plain := client.Event{Kind: "gap"}, client.Event{Kind: "message"}
	type list = []client.Event
	for name, c := range map[string]struct {
		list  list
		wrong string
	}{
		"all":                       {all, ""},
		"the end":                   {all[2:], ""},
		"plain messages in between": {list{all[0], plain, all[1], plain}, ""},
		"one is missing":            {list{all[0], all[2]}, "event 103 follows 101, and no gap was told"},
		"one is missing, and told":  {list{all[0], gap, all[2]}, ""},
		"one comes twice":           {list{all[0], all[1], all[1]}, "event 102 of life 100 follows 102"},
		"one comes late":            {list{all[1], all[0]}, "event 101 of life 100 follows 102"},
		"a life comes again":        {list{all[4], all[0]}, "event 101 of life 100 follows 201"},
		"one is told otherwise":     {lie, "was told in two ways"},
	} {
		merged, v := history.Merge(history.Streams{"first": all, "second": c.list})
		judged(t, name, v, c.wrong)
		if c.wrong == "" && len(merged) != len(all) {
			t.Errorf("%s: merged to %d events of %d", name, len(merged), len(all))
		}
	}
}

func TestOrdered(t *testing.T) {
	message := func(payload string) client.Event { return client.Event{Kind: "message", Payload: payload} }
	sent := []history.Entry{{Call: call(1, 2), Word: "a"}, {Call: call(3, 4), Word: "b"},
		{Call: ended(3, 4, history.Uncertain), Word: "u"}, {Call: ended(3, 4, history.Refused), Word: "r"}}
	for name, c := range map[string]struct {
		payloads []string
		wrong    string
	}{
		"all":                {[]string{"a", "b"}, ""},
		"the uncertain too":  {[]string{"a", "u", "b"}, ""},
		"one is lost":        {[]string{"b"}, `"a" was acknowledged`},
		"one is there twice": {[]string{"a", "b", "a"}, "is there twice"},
		"one was refused":    {[]string{"a", "b", "r"}, "which was refused"},
		"in the wrong order": {[]string{"b", "a"}, "b stands before a"},
		"one was never sent": {[]string{"a", "b", "x"}, "which nobody wrote"},
	} {
		var list []client.Event
		for _, p := range c.payloads {
			list = append(list, message(p))
		}
		judged(t, name, history.Ordered(told(t, list...), sent), c.wrong)
	}
	if v := history.Ordered(told(t, message("a"), message("b"))[1:], sent); len(v.Unknown) != 1 {
		t.Errorf("the beginning is missing: %+v", v)
	}
}

func TestTokens(t *testing.T) {
	leader := func(term uint64) client.Event { return client.Event{Kind: "leader", Term: term} }
	settled := func(epoch uint64) client.Event { return client.Event{Kind: "settled", Epoch: epoch} }
	for name, c := range map[string]struct {
		list  []client.Event
		wrong string
	}{
		"both rise":      {[]client.Event{leader(5), settled(6), leader(7), settled(8)}, ""},
		"a term again":   {[]client.Event{leader(5), leader(5)}, "the newest token was 5"},
		"an epoch falls": {[]client.Event{settled(5), leader(9), settled(4)}, "the newest token was 5"},
	} {
		judged(t, name, history.Tokens(told(t, c.list...)), c.wrong)
	}
}

func TestSlots(t *testing.T) {
	granted := func(who, slots string) client.Event {
		return client.Event{Kind: "slots", Member: who, Granted: slots}
	}
	released := func(who, slots string) client.Event {
		return client.Event{Kind: "slots", Member: who, Released: slots}
	}
	left := func(who string) client.Event { return client.Event{Kind: "left", Member: who} }
	type list = []client.Event
	for name, c := range map[string]struct {
		list  list
		wrong string
	}{
		"released and granted": {list{granted("a", "0-3"), released("a", "1,3"), granted("b", "1,3")}, ""},
		"left and granted":     {list{granted("a", "0-3"), left("a"), granted("b", "0-3")}, ""},
		"granted without a release": {list{granted("a", "0-3"), released("a", "1"), granted("b", "1-2")},
			"slot 2 was granted while a held it"},
		"granted to whoever has it": {list{granted("a", "0-3"), granted("a", "2")},
			"slot 2 was granted while a held it"},
		"released by another": {list{granted("a", "0-3"), released("b", "1")}, "slot 1 was released by b"},
	} {
		judged(t, name, history.Slots(told(t, c.list...)), c.wrong)
	}
	missing := told(t, granted("a", "0-3"), released("a", "1"), granted("b", "1"))
	judged(t, "the release is missing", history.Slots(slices.Delete(missing, 1, 2)), "")
}

// election is a group of three in which a poll is called.
func election(kind string, rest ...client.Event) []client.Event {
	list := []client.Event{{Kind: "joined", Member: "a"}, {Kind: "joined", Member: "b"},
		{Kind: "joined", Member: "c"},
		{Kind: "vote", Poll: 7, Topic: "t", VoteKind: kind, Electorate: 3, Deadline: 1000, Time: 500}}
	return append(list, rest...)
}

func result(outcome string, yes, no int, time int64) client.Event {
	return client.Event{Kind: "result", Poll: 7, Topic: "t", Outcome: outcome, Yes: yes, No: no, Electorate: 3,
		Time: time}
}

// cast makes votes of words such as a+ and b-; behind them stands ? for an uncertain one and ! for a refused.
func cast(words string) (list []history.Cast) {
	for word := range strings.FieldsSeq(words) {
		name, fate := strings.TrimRight(word, "+-?!"), history.Done
		switch word[len(word)-1] {
		case '?':
			fate = history.Uncertain
		case '!':
			fate = history.Refused
		}
		list = append(list, history.Cast{Call: ended(1, 2, fate), Poll: 7, Member: name,
			Yes: strings.Contains(word, "+")})
	}
	return list
}

func TestVotes(t *testing.T) {
	type list = []client.Event
	left := func(who string) client.Event { return client.Event{Kind: "left", Member: who} }
	const ended, count, other = "a poll ended at the wrong time", "were said", "not what so many votes come to"
	for name, c := range map[string]struct {
		kind   string
		casts  string
		events list
		wrong  string
	}{
		"yes":                       {"majority", "a+ b+", list{result("yes", 2, 0, 600)}, ""},
		"no":                        {"majority", "a- b-", list{result("no", 0, 2, 600)}, ""},
		"time is over":              {"majority", "a+ b-", list{result("timeout", 1, 1, 1001)}, ""},
		"an uncertain vote counts":  {"consensus", "a+ b+ c+?", list{result("yes", 3, 0, 600)}, ""},
		"an uncertain one does not": {"consensus", "a+ b+ c+?", list{result("timeout", 2, 0, 1000)}, ""},
		"a refused vote counts":     {"consensus", "a+ b+ c+!", list{result("yes", 3, 0, 600)}, count},
		"a vote is lost":            {"majority", "a+ b+", list{result("timeout", 1, 0, 1001)}, count},
		"a vote that nobody cast":   {"majority", "a+", list{result("yes", 2, 0, 600)}, count},
		"too early":                 {"majority", "a+", list{result("timeout", 1, 0, 900)}, ended},
		"too late":                  {"majority", "a+ b+", list{result("yes", 2, 0, 1000)}, ended},
		"the wrong outcome":         {"majority", "a+ b-", list{result("no", 1, 1, 900)}, other},
		"undecided, though it is":   {"majority", "a+ b+", list{result("timeout", 2, 0, 1001)}, other},
		"consensus by majority":     {"consensus", "a+ b+", list{result("yes", 2, 0, 600)}, other},
		"twice": {"majority", "a+ b+", list{result("yes", 2, 0, 6), result("yes", 2, 0, 7)},
			"ended twice"},
		"never":                     {"majority", "", nil, "has not ended"},
		"who leaves is not counted": {"majority", "a+ b+", list{left("b"), result("timeout", 1, 0, 1001)}, ""},
		"who leaves still is":       {"majority", "a+ b+", list{left("b"), result("yes", 2, 0, 600)}, count},
		"a no stays":                {"majority", "a- b-", list{left("b"), result("no", 0, 2, 600)}, ""},
		"two leave":                 {"majority", "a+", list{left("b"), left("c"), result("no", 1, 0, 6)}, ""},
		"two leave, and it goes on": {"majority", "a+", list{left("b"), left("c"), result("timeout", 1, 0, 1001)},
			other},
		"somebody was not asked": {"majority", "a+ b+ x+", list{result("yes", 2, 0, 600)},
			"x voted, and was no member"},
	} {
		calls := []history.Calling{{Call: call(0, 1), Poll: 7, Topic: "t"}}
		events := told(t, election(c.kind, c.events...)...)
		judged(t, name, history.Votes(events, calls, cast(c.casts), nil), c.wrong)
	}
}

func TestVotesForAll(t *testing.T) {
	events := told(t, election("majority", result("yes", 2, 0, 600))...)
	casts := cast("a+ b+")
	calling := func(poll uint64, topic string, fate history.Fate) history.Calling {
		return history.Calling{Call: ended(0, 1, fate), Poll: poll, Topic: topic}
	}
	answer := func(poll uint64, outcome string, yes int) history.Told {
		return history.Told{Call: call(3, 4), Poll: poll,
			Result: client.VoteResult{Outcome: outcome, Yes: yes, Electorate: 3}}
	}
	for name, c := range map[string]struct {
		call  history.Calling
		told  history.Told
		wrong string
	}{
		"the same for all": {calling(7, "t", history.Done), answer(7, "yes", 2), ""},
		"another outcome":  {calling(7, "t", history.Done), answer(7, "no", 2), "was told that poll 7"},
		"other votes":      {calling(7, "t", history.Done), answer(7, "yes", 3), "was told that poll 7"},
		"under another number": {calling(8, "t", history.Done), answer(7, "yes", 2),
			`the poll "t" was called as number 8`},
		"it was refused": {calling(0, "t", history.Refused), answer(7, "yes", 2),
			`the poll "t" was refused`},
		"nobody knows":           {calling(0, "t", history.Uncertain), answer(7, "yes", 2), ""},
		"it is not there":        {calling(9, "u", history.Done), answer(7, "yes", 2), "no event tells of it"},
		"nobody knows, not here": {calling(0, "u", history.Uncertain), answer(7, "yes", 2), ""},
	} {
		judged(t, name, history.Votes(events, []history.Calling{c.call}, casts, []history.Told{c.told}), c.wrong)
	}
	again := slices.Concat(events, told(t, client.Event{Kind: "vote", Poll: 9, Topic: "t", Electorate: 3,
		Life: 100, Seq: uint64(101 + len(events))}))
	judged(t, "called twice", history.Votes(again, nil, casts, nil), "a poll was called twice")
	few := told(t, election("majority")...)
	few[3].Electorate = 2
	judged(t, "too few are asked", history.Votes(few, nil, nil, nil), "of 3 members 2 may vote")
	missing := told(t, election("majority", client.Event{Kind: "left", Member: "b"},
		result("timeout", 1, 0, 1001))...)
	judged(t, "that somebody left is missing", history.Votes(slices.Delete(missing, 4, 5), nil, casts, nil), "")
}
