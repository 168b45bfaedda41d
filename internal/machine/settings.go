package machine

import (
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// settingCommands names who carries out CONFIG SET. What is set there is a setting of the ensemble.
func (m *Machine) settingCommands() { m.writes["config|set"] = configSet }

// configSet changes settings, all that are named or none.
func configSet(c *call) caucus.Reply {
	limits, notify := c.m.limits, c.m.notify
	for i := 2; i < len(c.args); i += 2 {
		name := strings.ToLower(c.args[i])
		limit := limits.named(name)
		var err *caucus.Error
		switch {
		case i+1 == len(c.args) || limit == nil && name != "notify-keyspace-events":
			err = caucus.Errorf(caucus.ErrBad,
				"Unknown option or number of arguments for CONFIG SET - '%.64s'", c.args[i])
		case limit == nil:
			notify, err = notifyFlags(c.args[i+1])
		default:
			*limit, err = limitOf(name, c.args[i+1])
		}
		if err != nil {
			return caucus.ErrorReply(err)
		}
	}
	c.m.limits, c.m.notify = limits, notify
	return caucus.OK()
}

func limitOf(name, text string) (int64, *caucus.Error) {
	n, ok := Bytes(text)
	if !ok {
		return 0, caucus.Errorf(caucus.ErrBad, "CONFIG SET failed (possibly related to argument '%s') - "+
			"argument must be a memory value such as 104857600, 100mb or 1gb, not '%.64s'", name, text)
	}
	return n, nil
}

// Bytes reads a number of bytes in Redis' way: k, m and g are powers of 1,000, kb, mb and gb of 1,024.
func Bytes(text string) (int64, bool) {
	digits := strings.TrimRight(strings.ToLower(text), "bkmg")
	factor, known := map[string]int64{"": 1, "b": 1, "k": 1e3, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20,
		"g": 1e9, "gb": 1 << 30}[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64/factor {
		return 0, false
	}
	return n * factor, true
}
