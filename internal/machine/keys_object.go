package machine

import "github.com/caucus-project/caucus"

// OBJECT is answered as Redis would with its default settings; nothing is counted per access.

const noFrequency = "An LFU maxmemory policy is not selected, access frequency not tracked. " +
	"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

// aboutObject makes a read that answers the same for every key that exists.
func aboutObject(answer caucus.Reply) read {
	return func(q *query) caucus.Reply {
		if _, ok := q.item(q.args[2]); ok {
			return answer
		}
		return caucus.Nil()
	}
}

// embedded is the longest string that Redis keeps in one piece with its header.
const embedded = 44

func encoding(q *query) caucus.Reply {
	it, ok := q.item(q.args[2])
	if !ok {
		return caucus.Nil()
	}
	if it.kind.hasBody() {
		return caucus.Bulk(q.s.keys.bodyOf(it.value).encoding())
	}
	if _, err := integer(it.text); err == nil {
		return caucus.Bulk("int")
	}
	if len(it.text) <= embedded {
		return caucus.Bulk("embstr")
	}
	return caucus.Bulk("raw")
}

// revision gives what a key is compared by: WATCH does so, and whoever writes over HTTP with an ETag.
func revision(q *query) caucus.Reply {
	if it, ok := q.item(q.args[2]); ok {
		return caucus.Int(int64(it.revision))
	}
	return caucus.Nil()
}
