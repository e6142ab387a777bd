package observe

import (
	"log/slog"
	"regexp"
	"slices"
	"time"
)

// Filter says which entries are wanted. The zero value, but for Level, wants
// all: use EveryLevel.
type Filter struct {
	Cores []int          // these cores, NoCore for the VMM; nil for all
	Since time.Time      // this late or later; zero for all
	Level slog.Level     // of this severity or above
	Grep  *regexp.Regexp // whose text it matches; nil for all
}

// EveryLevel is below all levels that programs use.
const EveryLevel slog.Level = -1 << 31

// Wants reports whether the filter lets an entry pass.
func (f *Filter) Wants(e *Entry) bool {
	if f.Cores != nil && !slices.Contains(f.Cores, e.Core) || e.Severity() < f.Level {
		return false
	}
	if !f.Since.IsZero() {
		at, err := time.Parse(time.RFC3339Nano, string(e.Stamp))
		if err == nil && at.Before(f.Since) {
			return false
		}
	}
	return f.Grep == nil || f.Grep.Match(e.Text())
}
