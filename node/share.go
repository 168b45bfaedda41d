package node

// What is under way goes into one entry or one round of reads, and whoever comes next waits for all of it. So
// that he need not wait long, those who send giant pipelines share so many commands, of which each has some:
// more than a pipeline has as a rule, and enough for one alone to go as fast as in larger pieces.
const (
	sharedCommands = 1024
	ownCommands    = 64
)

// share gives how many commands of one pipeline may go at once.
func (n *Node) share() int { return max(ownCommands, sharedCommands/int(1+n.underway.Load())) }
