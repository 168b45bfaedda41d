package caucus

import (
	"hash/crc32"
	"strconv"
)

// Assignment is a member's share of the work of a settled group.
type Assignment struct {
	Index int    // 1..Total
	Total int    // members at the last settling
	Epoch uint64 // fencing token; rises with every settling, over all groups and for ever
}

// Owns says whether the work item named key falls to this assignment.
func (a Assignment) Owns(key string) bool { return a.Total > 0 && IndexOf(key, a.Total) == a.Index }

// IndexOf gives the index, 1..total, to which key belongs: CRC-32 (IEEE) of its bytes, modulo total, plus 1.
// Total must be positive.
func IndexOf(key string, total int) int {
	return int(crc32.ChecksumIEEE([]byte(key))%uint32(total)) + 1
}

// SlotOf gives the slot, 0..slots-1, to which key belongs: CRC-32 (IEEE) of its bytes, modulo slots. Slots
// must be positive.
func SlotOf(key string, slots int) int {
	return int(crc32.ChecksumIEEE([]byte(key)) % uint32(slots))
}

// SlotRanges writes slots, which ascend, as "0-127,300".
func SlotRanges[N int | uint64](slots []N) string {
	var text []byte
	for i := 0; i < len(slots); {
		end := i
		for end+1 < len(slots) && slots[end+1] == slots[end]+1 {
			end++
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendUint(text, uint64(slots[i]), 10)
		if end > i {
			text = strconv.AppendUint(append(text, '-'), uint64(slots[end]), 10)
		}
		i = end + 1
	}
	return string(text)
}

// Leadership is what a group says of its leader.
type Leadership struct {
	Member   string
	Term     uint64 // fencing token; rises with every change of leader, over all groups and for ever
	Metadata string
}
