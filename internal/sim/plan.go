package sim

import (
	"fmt"
	"slices"
)

// plan is what a seed is about, as plain data: sizes, limits, who takes part, what goes wrong all the time
// and what goes wrong at some moment. Each seed draws its own mix of all of it, since all faults at once
// hide what some alone would show (Groce et al., "Swarm Testing", ISSTA 2012).
type plan struct {
	seed   uint64
	luck   uint64 // another value is another course of events under the same faults
	voters int
	length int64 // of the time with faults
	groups []groupPlan

	writers int
	clerks  int
	porters int
	members int
	keys    int
	think   int64 // of writers between two pipelines, at most

	votes    bool // members call polls and vote
	locks    bool // members contend for a lock
	letters  bool // at rest members write to each other
	insiders bool // nodes are members of their group
	follows  bool // somebody follows the changes of keys
	users    bool // some writers are users, whose rights change

	snapshotEntries uint64
	digestEntries   uint64
	keepEntries     uint64
	maxEntry        int
	codec           bool // frames go through their codec
	exact           bool // nothing takes time, and all clocks are right

	ahead int  // percent of the nodes that come with the next version
	stays bool // some are not upgraded in the end

	standing standing
	pause    int64 // the length of what goes wrong for a while
	faults   []fault
}

// groupPlan is a group and what its members state.
type groupPlan struct {
	name   string
	settle int64
	min    int64
	slots  int64
	sets   bool // members change what it was made with
}

// standing is what goes wrong from the beginning until the world becomes calm, so often in a hundred times.
type standing struct {
	loss, repeat, disorder int // of frames between nodes
	slowDisk               int // writes that take long
	refusal                int // a firewall refuses in the name of a node that lives
}

// drawPlan draws what a seed is about.
func drawPlan(seed uint64) plan {
	d := newDice(seed, 0x706c616e)
	p := plan{seed: seed}
	p.drawSizes(d)
	p.drawPeople(d)
	p.drawGroups(d)
	p.drawLimits(d)
	p.drawStanding(d)
	p.drawFaults(d)
	p.porters = pick(d, []int{0, 2, 3, 5})
	p.ahead, p.stays = pick(d, []int{0, 0, 0, 30, 60}), d.chance(20)
	p.users = d.chance(40)
	return p
}

// drawSizes draws how many nodes there are at first, and for how long things go wrong: less with more nodes,
// which make more of every second.
func (p *plan) drawSizes(d dice) {
	p.voters = pick(d, []int{3, 3, 3, 3, 3, 3, 3, 5, 5, 5, 5, 7, 7, 1, 2, 4})
	p.length = d.between(1200, 3000) * millisecond
	if p.voters > 3 {
		p.length = max(1000*millisecond, p.length*3/int64(p.voters))
	}
	p.pause = d.between(50, 900) * millisecond
}

func (p *plan) drawPeople(d dice) {
	p.writers, p.members, p.keys = d.number(1, 4), d.number(1, 6), d.number(1, 3)
	p.clerks = d.number(0, 2)
	p.think = d.between(5, 150) * millisecond
	p.votes, p.locks, p.letters = d.chance(50), d.chance(50), d.chance(50)
	p.insiders, p.follows = d.chance(50), d.chance(50)
}

func (p *plan) drawGroups(d dice) {
	for i := range d.number(1, 2) {
		p.groups = append(p.groups, groupPlan{name: fmt.Sprintf("g%d", i),
			settle: pick(d, []int64{0, 0, 20, 200, 600}), min: pick(d, []int64{1, 1, 2})})
	}
	p.groups[0].slots = pick(d, []int64{0, 0, 4, 7})
	p.groups[0].sets = d.chance(25)
}

func (p *plan) drawLimits(d dice) {
	p.snapshotEntries = uint64(d.between(8, 80))
	p.keepEntries = uint64(d.between(1, pick(d, []int64{3, 3, 10, 30})))
	p.digestEntries = uint64(d.between(10, 200))
	p.maxEntry = d.number(64, 4096)
	p.codec = d.chance(25)
}

func (p *plan) drawStanding(d dice) {
	for _, s := range p.standing.list() {
		if d.chance(50) {
			*s.percent = d.number(1, s.most)
		}
	}
}

// standingFault is one of what goes wrong all the time.
type standingFault struct {
	what    string
	percent *int
	most    int
}

// list gives all of them, in the order of their numbers.
func (s *standing) list() []standingFault {
	return []standingFault{
		{"frames between nodes are lost", &s.loss, 6},
		{"frames come twice", &s.repeat, 6},
		{"frames overtake others", &s.disorder, 10},
		{"disks are slow now and then", &s.slowDisk, 20},
		{"a firewall refuses in the name of a node", &s.refusal, 5},
	}
}

// drawFaults draws which kinds of faults there are in this seed, how often each of them, and when. Those
// that stand have the first numbers.
func (p *plan) drawFaults(d dice) {
	var bag []string // each kind as often as its weight says
	share := pick(d, []int{10, 25, 50, 75})
	for _, k := range faultKinds() {
		if d.chance(share) {
			bag = append(bag, slices.Repeat([]string{k.name}, d.number(1, 5))...)
		}
	}
	pace := pick(d, []int64{120, 250, 400, 400, 900}) * millisecond
	number := len(p.standing.list())
	at := d.between(50, 400) * millisecond
	for ; at < p.length && len(bag) > 0; at += d.between(5*millisecond, pace) {
		number++
		p.faults = append(p.faults, fault{number: number, at: at, kind: pick(d, bag)})
	}
}

// leaveOut takes faults out of the plan, by their numbers.
func (p *plan) leaveOut(numbers []int) {
	for i, s := range p.standing.list() {
		if slices.Contains(numbers, i+1) {
			*s.percent = 0
		}
	}
	p.faults = slices.DeleteFunc(slices.Clone(p.faults), func(f fault) bool {
		return slices.Contains(numbers, f.number)
	})
}

// numbers gives the numbers of all faults in the plan.
func (p *plan) numbers() (list []int) {
	for i, s := range p.standing.list() {
		if *s.percent > 0 {
			list = append(list, i+1)
		}
	}
	for _, f := range p.faults {
		list = append(list, f.number)
	}
	return list
}
