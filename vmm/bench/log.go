package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"barreleye/images/bench/lines"
)

// Log measures what a line costs the core that prints it, beside a Linux
// process with GOMAXPROCS=1 on the same CPU that writes the same to a pipe, in
// turns.
func Log(o Options) (*Report, error) {
	r := o.newReport()
	im, err := builtinImage("bench")
	if err != nil {
		return r, err
	}
	ours, process := map[string][]float64{}, map[string][]float64{}
	for range turns {
		n := fmt.Sprint(o.rounds(25))
		console, _, err := o.cores(im, oneCore, "-rounds", n, "log")
		if err != nil {
			return r, err
		}
		var samples map[string][]float64
		if err := coreZero(console, &samples); err != nil {
			return r, err
		}
		p, err := linesProcess(n)
		if err != nil {
			return r, err
		}
		for name := range samples {
			ours[name] = append(ours[name], samples[name]...)
			process[name] = append(process[name], p[name]...)
		}
	}
	r.Rows = []Row{
		row("log_line", "ns", 1, ours["line"], process["line"]).of("process"),
		row("log_slog", "ns", 1, ours["slog"], process["slog"]).of("process"),
		row("log_flood", "ns", 1, ours["flood"], process["flood"]).of("process"),
	}
	r.Rows[0].Note = fmt.Sprintf("a line of %d bytes while the log has room; the limits are a Linux process that writes to a pipe, and wakes its reader", lines.Length)
	r.Rows[1].Note = "a record of log/slog with three attributes"
	r.Rows[2].Note = "a line of many, whose writer waits for the VMM to store them; the pipe's reader drops them"
	return r, nil
}

// linesProcess writes the lines in a process of its own, to a pipe.
func linesProcess(rounds string) (samples map[string][]float64, err error) {
	var result bytes.Buffer
	cmd, err := ourBench(1, "lines", rounds)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = dropped{}, &result
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("bench: the lines as a process: %w: %s: report it", err, &result)
	}
	return samples, json.Unmarshal(result.Bytes(), &samples)
}

// dropped is an output that package exec reads from a pipe.
type dropped struct{}

func (dropped) Write(b []byte) (int, error) { return len(b), nil }

// Lines is the body of that process: it writes lines to out, and what each of
// them cost to result.
func Lines(out, result io.Writer, rounds string) error {
	return asProcess(result, rounds, func(n int) (map[string][]float64, error) {
		return lines.Measure(n, out, slog.New(slog.NewJSONHandler(out, nil)))
	})
}
