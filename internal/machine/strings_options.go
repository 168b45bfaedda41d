package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// textOptions are the options of SET and GETEX.
type textOptions struct {
	nx, xx, get, keep, persist bool

	ends timeForm // its name is empty when no end was stated
	time string
}

// parseTextOptions reads the options of SET, or of GETEX.
func parseTextOptions(args []string, setting bool) (o textOptions, err *caucus.Error) {
	for i := 0; i < len(args); i++ {
		option := strings.ToUpper(args[i])
		form, isEnd := endForm(option)
		switch {
		case option == "NX" && setting && !o.xx:
			o.nx = true
		case option == "XX" && setting && !o.nx:
			o.xx = true
		case option == "GET" && setting:
			o.get = true
		case option == "KEEPTTL" && setting && o.ends.name == "":
			o.keep = true
		case option == "PERSIST" && !setting && o.ends.name == "":
			o.persist = true
		case isEnd && !o.keep && !o.persist && (o.ends.name == "" || o.ends == form) && i+1 < len(args):
			i++
			o.ends, o.time = form, args[i]
		default:
			return o, syntaxError()
		}
	}
	return o, nil
}

func endForm(option string) (timeForm, bool) {
	switch option {
	case "EX":
		return timeForm{option, 1000, true}, true
	case "PX":
		return timeForm{option, 1, true}, true
	case "EXAT":
		return timeForm{option, 1000, false}, true
	case "PXAT":
		return timeForm{option, 1, false}, true
	}
	return timeForm{}, false
}

// at gives the stated end in milliseconds since 1970, 0 when none was stated.
func (o *textOptions) at(now int64, command string) (int64, *caucus.Error) {
	if o.ends.name == "" {
		return 0, nil
	}
	return o.ends.positive(o.time, now, command)
}

// positive reads an end that must be a positive number.
func (t timeForm) positive(s string, now int64, command string) (int64, *caucus.Error) {
	n, err := integer(s)
	if err != nil {
		return 0, err
	}
	if n <= 0 {
		return 0, invalidExpire(command)
	}
	return t.at(n, now, command)
}

// syntaxError is Redis' answer to options that do not fit, which says no more; clients compare it.
func syntaxError() *caucus.Error { return caucus.Errorf(caucus.ErrBad, "syntax error") }

// integer reads a number as Redis does.
func integer(s string) (int64, *caucus.Error) {
	n, ok := command.Integer(s)
	if !ok {
		return 0, caucus.Errorf(caucus.ErrBad, "value is not an integer or out of range")
	}
	return n, nil
}
