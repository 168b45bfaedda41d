package waist

import "github.com/caucus-project/caucus"

// ItemBytes is what an item of a reply is counted with beside its text: what it takes in memory, which is
// more than its frame on the wire.
const ItemBytes = 64

// Weigh counts the items of a reply, in all depths, and the bytes of its texts. It stops counting when they
// are more than most bytes, an item being counted with ItemBytes.
func Weigh(r *caucus.Reply, most int64) (items, text int64) {
	text = int64(len(r.Str))
	for i := range r.Items {
		if items*ItemBytes+text > most {
			break
		}
		below, more := Weigh(&r.Items[i], most-items*ItemBytes-text)
		items += 1 + below
		text += more
	}
	return items, text
}

// Weight gives the bytes that a reply is counted with. What is more than most need not be counted to the end.
func Weight(r *caucus.Reply, most int64) int64 {
	items, text := Weigh(r, most)
	return items*ItemBytes + text
}
