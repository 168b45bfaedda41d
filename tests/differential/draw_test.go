package differential

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// step is commands that are said one after the other, or not at all.
type step []caucus.Command

// one makes the step of one command, of words and lists of words.
func one(parts ...any) step {
	var cmd caucus.Command
	for _, part := range parts {
		switch p := part.(type) {
		case string:
			cmd = append(cmd, p)
		case []string:
			cmd = append(cmd, p...)
		}
	}
	return step{cmd}
}

// draw makes the choices. Keys, fields and values are few, so that commands meet.
type draw struct {
	*rand.Rand
	protocol int // the version of RESP that is spoken
}

func newDraw(seed, round uint64, protocol int) *draw {
	return &draw{Rand: rand.New(rand.NewPCG(seed, round)), protocol: protocol}
}

// chance says yes in so many cases of a hundred.
func (d *draw) chance(percent int) bool { return d.IntN(100) < percent }

func (d *draw) of(words ...string) string { return words[d.IntN(len(words))] }

// The families of keys: most commands find what they are for.
const (
	texts  = "s"
	hashes = "h"
	lists  = "l"
	sets   = "t"
	zsets  = "z"
	lexes  = "x" // sorted sets whose scores are all 0; nothing else is done to them
)

const keysOfFamily = 3

// allKeys names every key that a round may have, but for mistakes.
func allKeys() (all []string) {
	for _, family := range []string{texts, hashes, lists, sets, zsets, lexes} {
		for i := range keysOfFamily {
			all = append(all, family+strconv.Itoa(i+1))
		}
	}
	return all
}

// key draws a key of a family, at times of another one.
func (d *draw) key(family string) string {
	if family != lexes && d.chance(10) {
		family = d.family()
	}
	if family != lexes && d.chance(1) {
		return ""
	}
	return family + strconv.Itoa(1+d.IntN(keysOfFamily))
}

func (d *draw) family() string { return d.of(texts, hashes, lists, sets, zsets) }

func (d *draw) anyKey() string { return d.key(d.family()) }

// keys draws so many keys of a family, or a few more.
func (d *draw) keys(least int, family string) []string {
	all := make([]string, least+d.IntN(3))
	for i := range all {
		all[i] = d.key(family)
	}
	return all
}

func (d *draw) counted(keys []string) []string {
	n := len(keys)
	if d.chance(5) {
		n += d.IntN(4) - 2
	}
	return append([]string{strconv.Itoa(n)}, keys...)
}

func (d *draw) word() string { return d.of("a", "b", "c", "d", "1", "2", "3") }

func (d *draw) field() string { return "f" + strconv.Itoa(1+d.IntN(4)) }

func (d *draw) words(least int) []string {
	all := make([]string, least+d.IntN(3))
	for i := range all {
		all[i] = d.word()
	}
	return all
}

func (d *draw) value() string {
	switch d.IntN(8) {
	case 0:
		return d.integer()
	case 1:
		return d.float()
	case 2:
		return d.of("", " ", "\x00\xff\r\n", "10", "0", "-0", "007", "+1", "1e2", "0x10", "9223372036854775807",
			"-9223372036854775808", "inf", "nan", "héé")
	case 3:
		return strings.Repeat(d.word(), 40+d.IntN(10))
	default:
		return d.of("hello", "world", "ab", "5", "100", "x")
	}
}

func (d *draw) integer() string {
	if d.chance(10) {
		return d.of("9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.0", "x", "", " 1",
			"+1",
			"01", "-0", "99999999999", "1e3")
	}
	return strconv.Itoa(d.IntN(14) - 4)
}

// float draws a number. No negative zero is drawn, whose sign Redis keeps in some places of a sorted set and
// not in others, and none that is too small to be exact, after which SORT refuses what is in order.
func (d *draw) float() string {
	if d.chance(15) {
		return d.of("inf", "-inf", "+inf", "nan", "abc", "", "1e300", "-1e300", "1e-300", "0x1p3", " 1", "1 ",
			"1,5", "1e400",
			"12345678901234567890", "0.1", "0.2", "3.0", "infinity", "1.7976931348623157e308")
	}
	return d.of("1", "2", "3", "-1", "0", "0.5", "1.5", "2.25", "10", "3.14159", "-2.5")
}

// index draws a position, which may count from the end.
func (d *draw) index() string {
	if d.chance(8) {
		return d.integer()
	}
	return strconv.Itoa(d.IntN(12) - 6)
}

// far draws how long a key shall live, in tens of thousands of seconds: so long, and so rarely the same
// twice, that no clock decides which of two is later.
func (d *draw) far(unit int64) string {
	if d.chance(15) {
		return d.of("0", "-1", "-100000", "9223372036854775807", "9223372036854775", "9223372036854776", "abc", "",
			"-9223372036854775808", "9223372036854775808", "1.5", "9223370000000000")
	}
	return strconv.FormatInt(int64(1+d.IntN(1_000_000))*10_000*unit, 10)
}

// date draws when a key shall end.
func (d *draw) date(unit int64) string {
	if d.chance(15) {
		return d.of("0", "-1", "1", "1000", "9223372036854775807", "9223372036854775", "9223372036854776", "abc",
			"",
			"9223372036854775808")
	}
	return strconv.FormatInt((4_102_444_800+int64(d.IntN(5)))*unit, 10)
}

// options draws some of the alternatives, in any order. Each is one or more words.
func (d *draw) options(percent int, alternatives ...[]string) (words []string) {
	for _, i := range d.Perm(len(alternatives)) {
		if d.chance(percent) {
			words = append(words, alternatives[i]...)
		}
	}
	return words
}

// ending draws one of the ways to state an end.
func (d *draw) ending() []string {
	switch d.IntN(4) {
	case 0:
		return []string{"EX", d.far(1)}
	case 1:
		return []string{"PX", d.far(1000)}
	case 2:
		return []string{"EXAT", d.date(1)}
	}
	return []string{"PXAT", d.date(1000)}
}

// spoil makes a mistake in a command, now and then.
func (d *draw) spoil(cmd caucus.Command) caucus.Command {
	switch d.IntN(60) {
	case 0:
		return cmd[:len(cmd)-min(1, len(cmd)-1)]
	case 1:
		return append(cmd, d.odd())
	case 2:
		if len(cmd) > 1 {
			cmd[1+d.IntN(len(cmd)-1)] = d.odd()
		}
	case 3:
		cmd[0] = strings.ToLower(cmd[0])
	case 4:
		for i := range cmd[1:] {
			if w := cmd[1+i]; strings.ToUpper(w) == w && len(w) > 1 {
				cmd[1+i] = strings.ToLower(w)
			}
		}
	}
	return cmd
}

// odd draws a word that few commands have a use for, and none that would let a key end in a moment.
func (d *draw) odd() string {
	return d.of("", "abc", "0", "-1", "1.5", "9223372036854775807", "9223372036854775808", " 1", "01", "NX",
		"GET",
		"\xff\xfe", "99999999999", "(", "[", "+inf", "LIMIT", "WITHSCORES")
}
