package assign

import (
	"cmp"
	"slices"
)

// Settle gives the new indexes, 1 to n, of n members. Previous holds their indexes at the last settling, 0
// for a newcomer, in join order, and the result is in the same order.
//
// Who holds an index up to n keeps it. The free ones, from the lowest up, go first to those whose index was
// above n, the highest first, and then to newcomers in join order. So as few members as possible change
// their work. An index that is negative, or that an earlier member has already, makes its member a newcomer.
func Settle(previous []int) []int {
	n := len(previous)
	next := make([]int, n)
	taken := make([]bool, n+1)
	for i, index := range previous {
		if index >= 1 && index <= n && !taken[index] {
			next[i], taken[index] = index, true
		}
	}
	free := 1
	for _, i := range queue(previous, next) {
		for taken[free] {
			free++
		}
		next[i], taken[free] = free, true
	}
	return next
}

// queue lists the members that have no index in next, in the order in which they are served.
func queue(previous, next []int) []int {
	n := len(previous)
	var above, newcomers []int
	for i, index := range previous {
		switch {
		case next[i] != 0:
		case index > n:
			above = append(above, i)
		default:
			newcomers = append(newcomers, i)
		}
	}
	slices.SortStableFunc(above, func(a, b int) int { return cmp.Compare(previous[b], previous[a]) })
	return append(above, newcomers...)
}
