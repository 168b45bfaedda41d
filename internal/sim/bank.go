package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/machine"
)

// The simulated program has commands of its own: a bank. Whatever happens, no money comes from nowhere or is
// lost, no account is overdrawn, and the ledger tells how all of it came about.
const (
	accounts = 4
	credit   = 10 // what each account begins with
	ledger   = "ledger"
	cursed   = 7 // an amount at which the function panics
	// aCentury is an end that never comes, in seconds: clocks are set forward by hours, and the end of an
	// account would make it anew.
	aCentury = "3153600000"
)

// custom are the commands of a program, and the table with them.
type custom struct {
	table *command.Table
	list  []machine.Custom
}

// openBank makes the commands of the simulated program.
func (w *World) openBank() {
	move, err := command.Custom("bank.move", true, 4, 4)
	total, err2 := command.Custom("bank.total", false, 0, 0)
	table, err3 := command.Extended([]command.Spec{move, total})
	if err := errors.Join(err, err2, err3); err != nil {
		w.fail("the bank cannot open: %v", err)
	}
	w.custom = custom{table: table, list: []machine.Custom{{Spec: move, Run: moveMoney},
		{Spec: total, Run: totalMoney}}}
}

// moveMoney carries out bank.move from to amount word. It does everything first and looks then whether it
// might, so that a refusal has much to take back.
func moveMoney(tx *machine.Tx, args []string) caucus.Reply {
	amount, err := strconv.Atoi(args[2])
	if err != nil {
		return caucus.Fail(caucus.ErrBad, "%v", err)
	}
	tx.Do("APPEND", ledger, strings.Join([]string{args[3], args[0], args[1], args[2]}, ",")+";")
	left := balance(tx.Do, args[0]) - amount
	tx.Do("SET", args[0], strconv.Itoa(left))
	_ = amount / (amount - cursed) // panics
	tx.Do("SET", args[1], strconv.Itoa(balance(tx.Do, args[1])+amount), "EX", aCentury)
	if left < 0 {
		return caucus.Fail(caucus.ErrConflict, "it lacks %d", -left)
	}
	return caucus.Int(int64(left))
}

// totalMoney carries out bank.total.
func totalMoney(tx *machine.Tx, _ []string) caucus.Reply {
	sum := 0
	for i := range accounts {
		sum += balance(tx.Do, account(i))
	}
	return caucus.Int(int64(sum))
}

func account(i int) string { return fmt.Sprintf("account%d", i) }

func balance(do func(words ...string) caucus.Reply, account string) int {
	r := do("GET", account)
	if r.IsNil() {
		return credit
	}
	n, _ := strconv.Atoi(r.Text()) // what is no number would be missing in the total
	return n
}

// drawMove makes a transfer between two accounts.
func (op *operation) drawMove(w *World) caucus.Command {
	from := w.rng.IntN(accounts)
	to := (from + 1 + w.rng.IntN(accounts-1)) % accounts
	amount := strconv.Itoa(1 + w.rng.IntN(credit))
	return caucus.Command{"bank.move", account(from), account(to), amount, op.value}
}

// compareBank sees that the ledger is right: every transfer stands there once if it was acknowledged, never
// if it was refused, and together they make the accounts what they are.
func (w *World) compareBank() {
	n := w.nodes[0]
	times, have := map[string]int{}, map[string]int{}
	for line := range strings.SplitSeq(strings.TrimSuffix(n.value(ledger), ";"), ";") {
		part := strings.Split(line, ",")
		if len(part) != 4 {
			continue // nothing was ever moved
		}
		amount, _ := strconv.Atoi(part[3])
		times[part[0]]++
		have[part[1]] -= amount
		have[part[2]] += amount
		if credit+have[part[1]] < 0 || amount == cursed {
			w.fail("the ledger has %q, which was to be refused", line)
		}
	}
	w.compareTimes("ledger", opMove, times)
	for i := range accounts {
		if got, want := balance(n.do, account(i)), credit+have[account(i)]; got != want {
			w.fail("%s has %d, and by the ledger %d", account(i), got, want)
		}
	}
}
