// Package lines measures what a line of the log costs the program that writes
// it: in a core, and in a Linux process that writes to a pipe.
package lines

import (
	"bytes"
	"io"
	"log/slog"
	"time"
)

const (
	burst = 200     // lines that fit the log ring, and a pipe, with none waiting
	flood = 100_000 // lines that do not: their writer waits for the reader
	rest  = 25 * time.Millisecond
)

// Length is the length of a line in bytes, with its newline.
const Length = 80

// Measure writes lines to out and records to l, as many bursts as rounds and a
// few floods, and returns the ns per line of each, by name.
func Measure(rounds int, out io.Writer, l *slog.Logger) (map[string][]float64, error) {
	line := append(bytes.Repeat([]byte("x"), Length-1), '\n')
	samples := map[string][]float64{}
	timed := func(name string, n int, write func() error) error {
		start := time.Now()
		for range n {
			if err := write(); err != nil {
				return err
			}
		}
		samples[name] = append(samples[name], float64(time.Since(start).Nanoseconds())/float64(n))
		time.Sleep(rest) // the reader comes to the end
		return nil
	}
	text := func() error { _, err := out.Write(line); return err }
	record := func() error {
		l.Info("request served", "path", "/a/b", "status", 200, "bytes", 4711)
		return nil
	}
	for i := range rounds {
		if err := timed("line", burst, text); err != nil {
			return nil, err
		}
		if err := timed("slog", burst, record); err != nil {
			return nil, err
		}
		if i%8 == 0 {
			if err := timed("flood", flood, text); err != nil {
				return nil, err
			}
		}
	}
	return samples, nil
}
