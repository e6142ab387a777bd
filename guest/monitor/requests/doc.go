// Package requests is the protocol by which the VMM asks the monitor of a core, over the
// ring that the region has for that core and the VMM (region.View.VMMSide), and by which
// the monitor answers over the ring beside it. It is pure: lines go in and come out.
//
//	VMM                                     core
//	  ask(id, kind, argument)          ->
//	                                   <-   part(id, 0, up to 48 bytes)
//	                                   <-   part(id, 1, up to 48 bytes)
//	                                   <-   done(id, parts, outcome)
//	  give up(id)                      ->     where the VMM waits no longer
//
// A core has several answers under way at once, whose parts alternate, so that a small
// answer does not wait for a large one. A line with anything else in it than what is due
// is an error that ends the protocol for that life of the core.
package requests

import (
	"errors"
	"slices"
	"time"

	"barreleye/urpc"
)

// Kind is what a request asks for.
type Kind uint64

// Kinds of requests. The argument of CPU is for how long to sample, in ns; the others
// have none.
const (
	Stacks     Kind = 1 + iota // what each goroutine does, as the Go runtime prints it
	Monitor                    // what the monitor holds (package report)
	CPU                        // profiles, as go tool pprof reads them
	Heap                       // memory in use
	Allocs                     // all memory ever allocated
	Goroutines                 // where goroutines stand
	Block                      // where they waited, where the program has that recorded
	Mutex                      // for whom
	Caps                       // the capabilities (package report)

	kinds
)

var names = [kinds]string{
	Stacks: "stacks", Monitor: "monitor", CPU: "cpu", Heap: "heap", Allocs: "allocs", Goroutines: "goroutine", Block: "block", Mutex: "mutex", Caps: "caps",
}

// String is the kind's name: that of runtime/pprof, of profiles.
func (k Kind) String() string {
	if !k.valid() {
		return "unknown"
	}
	return names[k]
}

func (k Kind) valid() bool { return k > 0 && k < kinds }

// ProfileOf returns the kind of the profile that has a name.
func ProfileOf(name string) (Kind, bool) {
	i := slices.Index(Profiles(), name)
	return CPU + Kind(i), i >= 0
}

// Profiles are the names of all profiles.
func Profiles() []string { return names[CPU:Caps] }

// MaxSample bounds how long a CPU profile may take.
const MaxSample = 10 * time.Minute

// MaxAnswer bounds an answer, in bytes.
const MaxAnswer = 16 << 20

// MaxOpen bounds the requests that a core works on at once.
const MaxOpen = 8

// Errors of the protocol.
var (
	// ErrLine says that a line is not one that may come now.
	ErrLine = errors.New("a line that does not belong there")
	// ErrBusy says that the core has as many requests as it takes.
	ErrBusy = errors.New("too many requests at once: wait for the answers")
	// ErrKind says that the core does not know the kind of request.
	ErrKind = errors.New("its monitor does not know this request: rebuild its image")
)

// Types of lines.
const (
	typeAsk = 1 + iota
	typeGiveUp
	typePart
	typeDone
)

// Outcomes, as a done line says them.
const (
	answered = iota
	failed   // the parts are the text of the error
	busy
	unknown
)

// partBytes is what a part carries: a line but its first word.
const partBytes = urpc.MaxPayload - 8

// line makes a line of words.
func line(kind uint16, words ...uint64) (m urpc.Message) {
	m.Type, m.Len = kind, uint8(8*copy(m.Words[:], words))
	return m
}
