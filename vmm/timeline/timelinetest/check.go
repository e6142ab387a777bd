// Package timelinetest checks files that package timeline wrote.
package timelinetest

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Event is one event as it stands in the file.
type Event struct {
	Phase string         `json:"ph"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Name  string         `json:"name"`
	TS    float64        `json:"ts"` // microseconds
	Dur   float64        `json:"dur"`
	ID    string         `json:"id"`
	Cat   string         `json:"cat"`
	Args  map[string]any `json:"args"`
}

// Trace is a whole file.
type Trace struct {
	Events []Event        `json:"traceEvents"`
	Other  map[string]any `json:"otherData"`
}

// track is where slices and instants stand.
type track struct{ pid, tid int }

// Read decodes a file and reports what Perfetto would not show as it is meant:
// events without what their phase needs, time that goes back on a track, slices that
// overlap, arrows without a begin or an end or a slice to hold on to, spans that do
// not end.
func Read(file string) (*Trace, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	t := &Trace{}
	if err := json.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c := checker{last: map[track]float64{}, slices: map[track][]Event{}, arrows: map[string][]Event{}, spans: map[string]int{}, named: map[track]bool{}}
	for i, e := range t.Events {
		if err := c.event(e); err != nil {
			return nil, fmt.Errorf("%s: event %d (%+v): %w", file, i, e, err)
		}
	}
	return t, c.end()
}

type checker struct {
	last   map[track]float64 // of instants
	slices map[track][]Event
	arrows map[string][]Event
	spans  map[string]int
	named  map[track]bool
}

func (c *checker) event(e Event) error {
	at := track{e.PID, e.TID}
	if e.Name == "" || e.PID < 1 || e.TS < 0 {
		return fmt.Errorf("no name, process or time")
	}
	switch e.Phase {
	case "M":
		if e.Name == "process_name" || e.Name == "thread_name" {
			c.named[at] = true
		}
		if len(e.Args) != 1 {
			return fmt.Errorf("no argument")
		}
	case "X":
		if e.Dur < 0 || !c.named[at] {
			return fmt.Errorf("duration, or a track without a name")
		}
		c.slices[at] = append(c.slices[at], e)
	case "i":
		if e.TS < c.last[at] || !c.named[at] {
			return fmt.Errorf("time goes back from %v, or a track without a name", c.last[at])
		}
		c.last[at] = e.TS
	case "C":
		if len(e.Args) == 0 {
			return fmt.Errorf("no value")
		}
		for name, v := range e.Args {
			if _, ok := v.(float64); !ok {
				return fmt.Errorf("%s is no number", name)
			}
		}
	case "b":
		c.spans[e.ID]++
	case "e":
		if c.spans[e.ID]--; c.spans[e.ID] < 0 {
			return fmt.Errorf("the end of what has not begun")
		}
	case "s", "f":
		if e.ID == "" || e.Cat == "" {
			return fmt.Errorf("no id or category")
		}
		c.arrows[e.ID] = append(c.arrows[e.ID], e)
	default:
		return fmt.Errorf("phase %q", e.Phase)
	}
	return nil
}

func (c *checker) end() error {
	for at, list := range c.slices {
		slices.SortStableFunc(list, func(a, b Event) int { return compare(a.TS, b.TS) })
		for i := 1; i < len(list); i++ {
			if end := list[i-1].TS + list[i-1].Dur; list[i].TS < end-1e-4 {
				return fmt.Errorf("on track %+v %+v overlaps %+v", at, list[i], list[i-1])
			}
		}
		c.slices[at] = list
	}
	for id, ends := range c.arrows {
		if len(ends) != 2 || ends[0].Phase != "s" || ends[1].Phase != "f" || ends[0].PID == ends[1].PID || ends[1].TS < ends[0].TS {
			return fmt.Errorf("arrow %s is %+v", id, ends)
		}
		for _, e := range ends {
			list := c.slices[track{e.PID, e.TID}]
			i, found := slices.BinarySearchFunc(list, e.TS, func(s Event, ts float64) int { return compare(s.TS, ts) })
			if !found && (i == 0 || list[i-1].TS+list[i-1].Dur < e.TS) {
				return fmt.Errorf("arrow %s has no slice at %+v", id, e)
			}
		}
	}
	for id, open := range c.spans {
		if open != 0 {
			return fmt.Errorf("span %s does not end", id)
		}
	}
	return nil
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Area returns the area under a core's graph of a name, in value times milliseconds: each
// value is one until the next. The last must be 0, or there is no end to it (ok).
func (t *Trace) Area(core int, name, arg string) (area float64, ok bool) {
	last, since := 0.0, 0.0
	for _, e := range t.Events {
		if e.Phase == "C" && e.PID == core+1 && e.Name == name {
			area += last * (e.TS - since) / 1000
			last, _ = e.Args[arg].(float64)
			since = e.TS
		}
	}
	return area, last == 0
}

// Count returns how many events of a phase have the name.
func (t *Trace) Count(phase, name string) (n int) {
	for _, e := range t.Events {
		if e.Phase == phase && e.Name == name {
			n++
		}
	}
	return n
}
