package cli

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// memory is a flag for an amount of memory in bytes: "64M".
type memory uint64

// Set parses a number with an optional suffix K, M or G (powers of 1024).
func (m *memory) Set(s string) error {
	digits, shift := s, uint(0)
	if n := len(s); n > 0 {
		if i := strings.IndexByte("kmg", s[n-1]|0x20); i >= 0 {
			digits, shift = s[:n-1], uint(10*(i+1))
		}
	}
	v, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || bits.LeadingZeros64(v) < int(shift) {
		return fmt.Errorf("want a number with K, M or G after it, such as 64M")
	}
	*m = memory(v << shift)
	return nil
}

// String shows the amount as Set reads it.
func (m *memory) String() string {
	v, suffix := uint64(*m), ""
	for _, s := range []string{"K", "M", "G"} {
		if v == 0 || v%1024 != 0 {
			break
		}
		v, suffix = v/1024, s
	}
	return strconv.FormatUint(v, 10) + suffix
}

// Type names the value in help texts.
func (m *memory) Type() string { return "SIZE" }

// format is the flag for the form of the output.
type format string

// Forms of output.
const (
	formatText format = "text"
	formatJSON format = "json"
)

// Set accepts the two forms.
func (f *format) Set(s string) error {
	switch v := format(s); v {
	case formatText, formatJSON:
		*f = v
		return nil
	}
	return fmt.Errorf("want text or json")
}

// String returns the form.
func (f *format) String() string { return string(*f) }

// Type names the value in help texts.
func (f *format) Type() string { return "text|json" }

// age is the flag for a duration that may be in days.
type age time.Duration

// Set parses what Go takes for a duration, or a number of days: "7d".
func (a *age) Set(s string) error {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		const day = 24 * time.Hour
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16) // no overflow
		d = time.Duration(n) * day
	}
	if err != nil || d < 0 {
		return errors.New("want a duration such as 90m, 12h or 7d")
	}
	*a = age(d)
	return nil
}

// String shows the duration, nothing where it is none: help shows no default then.
func (a *age) String() string {
	if *a == 0 {
		return ""
	}
	return time.Duration(*a).String()
}

// Type names the value in help texts.
func (a *age) Type() string { return "DURATION" }
