package assign

// Nobody stands for a slot that no member holds.
const Nobody = -1

// Spread plans who is to hold each slot. Members are numbered from 0 in join order; holder gives, for
// each slot from 0 up, the member that holds it now, or anything else than a member, such as Nobody, when
// it is free. The result has a member for each slot, Nobody only where there are no members.
//
// Afterwards no member has more than one slot more than another. No plan that is so balanced takes fewer
// slots from those who hold them: where some must have one more than others, those who hold more now come
// first, then who joined first. A member that has to give slots up keeps the lowest, so that plans which
// follow each other ask for the same ones; what is given out goes in ascending order to members in join
// order.
func Spread(members int, holder []int) []int {
	next := make([]int, len(holder))
	room := quotas(members, holder)
	var pool []int
	for slot, m := range holder {
		next[slot] = Nobody
		if m >= 0 && m < members && room[m] > 0 {
			next[slot] = m
			room[m]--
		} else {
			pool = append(pool, slot)
		}
	}
	for m := range members {
		n := min(room[m], len(pool))
		for _, slot := range pool[:n] {
			next[slot] = m
		}
		pool = pool[n:]
	}
	return next
}

// quotas gives how many slots each member is to have.
func quotas(members int, holder []int) []int {
	if members == 0 {
		return nil
	}
	held := make([]int, members)
	for _, m := range holder {
		if m >= 0 && m < members {
			held[m]++
		}
	}
	base, more := len(holder)/members, len(holder)%members
	quota := make([]int, members)
	for _, rich := range []bool{true, false} {
		for m := range members {
			if (held[m] > base) != rich {
				continue
			}
			quota[m] = base
			if more > 0 {
				quota[m]++
				more--
			}
		}
	}
	return quota
}
