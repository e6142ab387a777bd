package churn

import (
	"fmt"
	"strings"
)

// life is one life of a core.
type life struct {
	core int
	life uint64
}

// String names it as the log does.
func (l life) String() string { return fmt.Sprintf("core %d life %d", l.core, l.life) }

// said is what a life says of what it exchanged with one of another core, when one of
// the two ends.
type said struct{ sent, delivered, undelivered, received uint64 }

// Account is where the messages of some runs went.
type Account struct {
	// Delivered: their receiver had them, and had said so, or said so in the end.
	Delivered uint64
	// Undelivered: the receiver's life ended before it had said so, and the sender was
	// told.
	Undelivered uint64
	// Unaccounted: what the two say does not go together.
	Unaccounted uint64
}

// Messages is all of them.
func (a *Account) Messages() uint64 { return a.Delivered + a.Undelivered + a.Unaccounted }

func (a *Account) add(b Account) {
	a.Delivered += b.Delivered
	a.Undelivered += b.Undelivered
	a.Unaccounted += b.Unaccounted
}

// book has what lives said of each other, by who said it and of whom.
type book struct {
	talks map[[2]life]said
	ends  map[life]said // sums that lives gave when they ended as they were asked to
	dies  map[life]bool // that said they would end by an error of their own

	calls, channels uint64
}

func newBook() *book {
	return &book{talks: map[[2]life]said{}, ends: map[life]said{}, dies: map[life]bool{}}
}

// enter takes a line of a core. It reports what must not be.
func (b *book) enter(line string) error {
	text, ok := strings.CutPrefix(line, "soak: ")
	if !ok {
		return nil
	}
	var a, of life
	var s said
	switch kind, rest, _ := strings.Cut(text, ": "); kind {
	case "FAILED":
		return fmt.Errorf("%s", line)
	case "talk":
		if _, err := fmt.Sscanf(rest, "core %d life %d with core %d life %d: sent %d delivered %d undelivered %d received %d",
			&a.core, &a.life, &of.core, &of.life, &s.sent, &s.delivered, &s.undelivered, &s.received); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		if _, twice := b.talks[[2]life{a, of}]; twice {
			return fmt.Errorf("%v ended its talk with %v twice", a, of)
		}
		b.talks[[2]life{a, of}] = s
	case "dies":
		if _, err := fmt.Sscanf(rest, "core %d life %d,", &a.core, &a.life); err == nil {
			b.dies[a] = true
		}
	case "lives":
		var calls, failed, channels uint64
		if rest == "ready" {
			return nil
		}
		if _, err := fmt.Sscanf(rest, "core %d life %d: sent %d delivered %d undelivered %d received %d calls %d failed %d channels %d",
			&a.core, &a.life, &s.sent, &s.delivered, &s.undelivered, &s.received, &calls, &failed, &channels); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		b.ends[a] = s
		b.calls += calls
		b.channels += channels
	}
	return nil
}

// balance accounts for all messages. It reports the first two lives whose words do not go
// together.
func (b *book) balance() (a Account, err error) {
	disagree := func(n uint64, format string, args ...any) {
		a.Unaccounted += max(n, 1)
		if err == nil {
			err = fmt.Errorf(format, args...)
		}
	}
	sums := map[life]said{}
	for pair, s := range b.talks {
		sum := sums[pair[0]]
		sums[pair[0]] = said{sum.sent + s.sent, sum.delivered + s.delivered, sum.undelivered + s.undelivered, sum.received + s.received}
		peer, both := b.talks[[2]life{pair[1], pair[0]}]
		switch {
		case s.sent != s.delivered+s.undelivered:
			disagree(s.sent, "%v: %+v to %v", pair[0], s, pair[1])
			continue
		case both && s.delivered > peer.received:
			disagree(s.delivered-peer.received, "%v: %d delivered to %v, which received %d", pair[0], s.delivered, pair[1], peer.received)
		case both && s.sent < peer.received:
			disagree(peer.received-s.sent, "%v: %d sent to %v, which received %d", pair[0], s.sent, pair[1], peer.received)
		case both && (peer.received != s.sent || s.undelivered != 0):
			disagree(s.undelivered, "%v: %d sent to %v, which received %d, though neither left the talk before its end", pair[0], s.sent, pair[1], peer.received)
		}
		a.Delivered += s.delivered
		a.Undelivered += s.undelivered
		if !both {
			a.Delivered += s.received // of a peer that ended without a word; soak checks that none is missing
		}
	}
	for l, s := range b.ends {
		if s != sums[l] {
			disagree(0, "%v: %+v in all, its talks came to %+v", l, s, sums[l])
		}
	}
	return a, err
}
