package machine_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
)

// There are so many sessions, groups, and members of a group as may be, and no more; who is there goes on,
// and who leaves makes room.
func TestB13_SessionsGroupsAndMembersAreBounded(t *testing.T) {
	b := newBare(t)
	says := func(client, text, want string) {
		t.Helper()
		r := b.Do(client, strings.Fields(text))
		failed := r.Kind == caucus.KindError
		if got := r.Str; failed && (want == "" || !strings.HasPrefix(got, want)) || !failed && want != "" {
			t.Errorf("%s: %s answers %q, want %q", client, text, got, want)
		}
	}
	says("a", "CONFIG SET max-sessions 3 max-groups 2 max-members 2", "")
	says("a", "GROUP JOIN g AS a", "")
	says("b", "GROUP JOIN g AS b", "")
	says("c", "SESSION OPEN", "")
	says("c", "GROUP JOIN g", "OOM group 'g' has 2 members, and max-members is 2")
	says("c", "LOCK ACQUIRE l", "")
	says("c", "GROUP CREATE h", "OOM there are 2 groups, and max-groups is 2")
	says("c", "GROUP JOIN h", "OOM there are 2 groups, and max-groups is 2")
	says("a", "LOCK ACQUIRE other", "OOM there are 2 groups")
	says("d", "SESSION OPEN", "OOM there are 3 sessions, and max-sessions is 3")
	says("d", "GROUP JOIN g", "OOM there are 3 sessions, and max-sessions is 3")
	says("d", "LOCK ACQUIRE l WAIT 1000", "OOM there are 3 sessions, and max-sessions is 3")
	says("a", "GROUP JOIN g AS a META still", "")
	says("b", "GROUP LEAVE g", "")
	says("c", "GROUP JOIN g", "")
	says("a", "SESSION CLOSE", "")
	says("d", "SESSION OPEN", "")
}
