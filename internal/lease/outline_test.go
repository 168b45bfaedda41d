package lease_test

import (
	"reflect"
	"testing"
)

// What becomes of a clone is nothing to the first, and the other way about.
func TestCloneGoesItsOwnWay(t *testing.T) {
	l := holding(t)
	before := l.Outline(at(5))
	c := l.Clone()
	if got := c.Outline(at(5)); !reflect.DeepEqual(got, before) {
		t.Errorf("the clone is %+v, want %+v", got, before)
	}
	c.GiveUp(index)
	grant(t, c, leader, 6)
	if got := l.Outline(at(5)); !reflect.DeepEqual(got, before) {
		t.Errorf("the first became %+v, was %+v", got, before)
	}
	asked := l.Ask(at(6))
	l.GiveUp(index)
	if l.Counts(asked, index) || !c.Counts(asked, leader) {
		t.Error("the first's giving up is not its own")
	}
}

// An outline says what is held also when it may not be believed any more, since a newer promise revives it.
func TestOutlineTellsWhatAPromiseRevives(t *testing.T) {
	l := holding(t)
	asked := l.Ask(at(1))
	o := l.Outline(at(2 * limit))
	if !o.Known || o.Gone || o.Version != 5 || o.PromiseMillis != ttl || o.Age != 2*limit ||
		len(o.Grants) != 1 || o.Grants[0].Key != index || o.Grants[0].Token != 9 {
		t.Errorf("outline %+v", o)
	}
	if !l.Fresh(asked) {
		t.Error("nothing has changed since it was asked")
	}
	l.Promise(l.Heartbeat(at(2*limit)), ttl, 6)
	if l.Fresh(asked) {
		t.Error("it was asked before the version changed")
	}
	if o = l.Outline(at(2 * limit)); len(o.Grants) != 0 || o.Version != 6 {
		t.Errorf("after a change of version: %+v", o)
	}
	l.End()
	if o = l.Outline(at(2 * limit)); !o.Gone || o.Known {
		t.Errorf("after the end: %+v", o)
	}
}
