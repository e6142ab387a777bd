package observe

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Dumps are long: a hundred lines of goroutines for a program that waits. Brief
// shows one by a line for each group of goroutines that wait in the same place,
// without what waits there in turn: the runtime, the netpoller, the wake-up
// protocol.

var (
	dumpStart = []byte("SIGQUIT: ")
	dumpHead  = regexp.MustCompile(`^goroutine \d+ .*\[([^\],]+)[^\]]*\]:$`)
	dumpCall  = regexp.MustCompile(`^\S.*\(.*\)$`)
	dumpPlace = regexp.MustCompile(`^\t(\S+:\d+)`)
)

// waiting are packages and types that goroutines wait in on behalf of others.
var waiting = []string{"runtime.", "internal/", "os.", "syscall.", "sync.", "barreleye/guest.(*parking).", "barreleye/guest.(*parkings).", "barreleye/guest.(*sleeper).",
	"barreleye/urpc.(*Parking).", "barreleye/guest/cpudriver."}

// Bounds of a brief dump.
const (
	briefCalls  = 4 // of a goroutine's stack
	briefGroups = 24
)

// isDump reports whether a message is the runtime's answer to SIGQUIT.
func isDump(msg []byte) bool { return bytes.HasPrefix(msg, dumpStart) }

// Brief shortens the runtime's answer to SIGQUIT.
func Brief(dump []byte) []byte {
	type group struct {
		text string
		n    int
	}
	var groups []*group
	index := map[string]*group{}
	all, own := 0, 0
	for block := range strings.SplitSeq(string(dump), "\n\n") {
		status, calls := goroutine(block)
		if status == "" {
			continue
		}
		all++
		if len(calls) == 0 {
			continue
		}
		own++
		text := "[" + status + "] " + strings.Join(calls, " < ")
		g := index[text]
		if g == nil {
			g = &group{text: text}
			index[text] = g
			groups = append(groups, g)
		}
		g.n++
	}
	if all == 0 {
		return dump // it is none
	}
	first, _, _ := bytes.Cut(dump, []byte{'\n'})
	b := fmt.Appendf(nil, "%s: %d goroutines, %d of the runtime's own; 'barreleye logs' has their stacks", first, all, all-own)
	for _, g := range groups[:min(len(groups), briefGroups)] {
		if b = append(b, "\n  "...); g.n > 1 {
			b = fmt.Appendf(b, "%d times ", g.n)
		}
		b = append(b, g.text...)
	}
	if n := len(groups) - briefGroups; n > 0 {
		b = fmt.Appendf(b, "\n  and %d more places", n)
	}
	return b
}

// goroutine reads one goroutine of a dump: its status, "" where the text is none,
// and the calls in which it waits for something, the innermost with its place; none
// where it is the runtime's.
func goroutine(block string) (status string, calls []string) {
	head, rest, _ := strings.Cut(strings.TrimLeft(block, "\n"), "\n")
	m := dumpHead.FindStringSubmatch(head)
	if m == nil {
		return "", nil
	}
	for line := range strings.SplitSeq(rest, "\n") {
		if place := dumpPlace.FindStringSubmatch(line); place != nil {
			if n := len(calls); n == 1 && !strings.HasSuffix(calls[0], ")") {
				calls[0] += " (" + place[1] + ")"
			}
			continue
		}
		if !dumpCall.MatchString(line) || strings.HasPrefix(line, "created by ") {
			continue
		}
		name := callee(line)
		if len(calls) == 0 && waits(name) || len(calls) == briefCalls || strings.HasPrefix(name, "runtime.") {
			continue
		}
		calls = append(calls, name)
	}
	return m[1], calls
}

// callee is the function of a line "f(arguments)"; a method's receiver has
// parentheses too.
func callee(line string) string {
	depth := 0
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return line[:i]
			}
		}
	}
	return line
}

func waits(name string) bool {
	for _, prefix := range waiting {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
