package follow_test

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/internal/follow"
)

// A message that two nodes tell, since the reader went from one to the other meanwhile, is handed out once;
// another series has numbers of its own.
func TestA11_AMessageIsToldOnce(t *testing.T) {
	message := func(part, life, n int, to string) string {
		return fmt.Sprintf(`{"event":"message","group":"g","life":%d,"n":%d,"part":%d,"kind":%q}`,
			life, n, part, to)
	}
	s := script{t, follow.Now("g")}
	s.answer("GROUP INFO g", infoOf(3, 9, 4))
	s.hear(message(7, 3, 1, "all"), "message 0")
	s.hear(message(7, 3, 4, "all"), "message 0") // two were missed
	s.p.Lost()
	s.answer("GROUP INFO g", infoOf(3, 9, 4))
	for _, again := range []int{1, 3, 4} {
		s.hear(message(7, 3, again, "all"))
	}
	s.hear(message(7, 3, 5, "all"), "message 0")
	for _, first := range []string{
		message(8, 3, 1, "all"), message(7, 3, 1, "leader"), message(7, 9, 1, "all"),
	} {
		s.hear(first, "message 0")
		s.hear(first)
	}
	s.hear(message(7, 3, 1, "member")) // numbered with what came to the same reader as leader

	for part := range 3 * follow.Generation { // what is remembered is bounded, and the newest is
		s.hear(message(100+part, 3, 1, "all"), "message 0")
		s.hear(message(100+part, 3, 1, "all"))
	}
	if n := s.p.Remembered(); n > 2*follow.Generation {
		t.Errorf("%d series are remembered", n)
	}
}
