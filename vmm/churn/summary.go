package churn

import (
	"fmt"
	"strings"
	"time"
)

// Summary is what came of some runs.
type Summary struct {
	Platforms []string
	Seed      uint64 // of the first
	Took      time.Duration
	Runs      int
	Lives     int
	Commands  int // obeyed
	Overdue   int // lives that were asked to end and took too long
	Calls     uint64
	Channels  uint64 // opened at run time
	Account   Account
}

// Add adds another platform's.
func (s *Summary) Add(o *Summary) {
	s.Platforms, s.Seed = append(s.Platforms, o.Platforms...), o.Seed
	s.Took += o.Took
	s.Runs += o.Runs
	s.Lives += o.Lives
	s.Commands += o.Commands
	s.Overdue += o.Overdue
	s.Calls += o.Calls
	s.Channels += o.Channels
	s.Account.add(o.Account)
}

// String is one line.
func (s *Summary) String() string {
	a := &s.Account
	return fmt.Sprintf("%s, seed %d: %.0f s, %d runs, %d commands, %d lives (%d overdue), %d calls, %d channels, %d messages: %d delivered, %d undelivered and reported, unaccounted %d",
		strings.Join(s.Platforms, " and "), s.Seed, s.Took.Seconds(), s.Runs, s.Commands, s.Lives, s.Overdue, s.Calls, s.Channels,
		a.Messages(), a.Delivered, a.Undelivered, a.Unaccounted)
}
