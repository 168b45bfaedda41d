package machine

import (
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// settingCommands names who carries out CONFIG SET. What is set there is a setting of the ensemble.
func (m *Machine) settingCommands() { m.writes["config|set"] = configSet }

// configSet changes settings, all that are named or none.
func configSet(c *call) caucus.Reply {
	limit, notify := c.m.maxMemory, c.m.notify
	for i := 2; i < len(c.args); i += 2 {
		var err *caucus.Error
		switch name := strings.ToLower(c.args[i]); {
		case i+1 == len(c.args) || name != "maxmemory" && name != "notify-keyspace-events":
			err = caucus.Errorf(caucus.ErrBad,
				"Unknown option or number of arguments for CONFIG SET - '%.64s'", c.args[i])
		case name == "maxmemory":
			limit, err = memoryOf(c.args[i+1])
		default:
			notify, err = notifyFlags(c.args[i+1])
		}
		if err != nil {
			return caucus.ErrorReply(err)
		}
	}
	c.m.maxMemory, c.m.notify = limit, notify
	return caucus.OK()
}

func memoryOf(text string) (int64, *caucus.Error) {
	n, ok := bytesOf(text)
	if !ok {
		return 0, caucus.Errorf(caucus.ErrBad, "CONFIG SET failed (possibly related to argument 'maxmemory') - "+
			"argument must be a memory value such as 104857600, 100mb or 1gb, not '%.64s'", text)
	}
	return n, nil
}

// bytesOf reads a number of bytes in Redis' way: k, m and g are powers of 1,000, kb, mb and gb of 1,024.
func bytesOf(text string) (int64, bool) {
	digits := strings.TrimRight(strings.ToLower(text), "bkmg")
	factor, known := map[string]int64{"": 1, "b": 1, "k": 1e3, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20,
		"g": 1e9, "gb": 1 << 30}[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64/factor {
		return 0, false
	}
	return n * factor, true
}

// MaxMemory gives the limit on Memory, 0 for none.
func (s *state) MaxMemory() int64 { return s.maxMemory }

// errFull is the answer to what would grow when memory is full.
var errFull = caucus.Errorf(caucus.ErrOutOfMemory, "command not allowed when used memory > 'maxmemory'.")

// full says whether a command is refused because there is more in memory than there may be. What is counted
// are the keys and their values, alike on every node (SAFETY B13); sessions and groups have limits of their
// own and are not.
func (s *state) full(spec *command.Spec) bool {
	return spec.Has(command.DenyOOM) && s.maxMemory > 0 && s.Memory() > s.maxMemory
}
