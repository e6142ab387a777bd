package multikernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"barreleye/urpc/trace"
	"barreleye/vmm/timeline"
)

// tracer is the trace of a run, while it is taken: from its start to its end
// (Options.Trace), or for a while (OpTrace).
type tracer struct {
	ring  trace.Ring // what the VMM notes
	kinds trace.Set
	spool *timeline.Spool
	out   *os.File     // of Options.Trace, nil for OpTrace
	close func() error // ends the copying, once
}

// TraceReport is what a trace came to. Its JSON names are stable.
type TraceReport struct {
	File    string `json:"file"`
	Records uint64 `json:"records"`
	Arrows  uint64 `json:"arrows"` // messages of which both ends are known
	Lost    uint64 `json:"lost"`   // records that cores overwrote before they were copied
}

// vmmRecords is the size of the VMM's own ring.
const vmmRecords = 1 << 13

// startTrace begins the trace of the whole run, before the cores run.
func (r *run) startTrace() error {
	if r.opt.Trace == "" {
		return nil
	}
	// now: later the process may not be able to
	out, err := createTrace(r.opt.Trace)
	if err != nil {
		return err
	}
	if err := r.beginTrace(r.opt.TraceKinds, out); err != nil {
		out.Close()
		return err
	}
	return nil
}

// beginTrace tells the cores what to note, and begins to copy it. out is for endTrace.
func (r *run) beginTrace(kinds trace.Set, out *os.File) error {
	own, err := trace.NewRing(vmmRecords)
	if err != nil {
		return err
	}
	var rings []trace.Ring
	for i := range r.view.Cores {
		rings = append(rings, r.view.Trace(i))
	}
	spool, err := timeline.NewSpool(timeline.Config{
		Dir: r.opt.Dir,
		Meta: timeline.Meta{
			Image: r.opt.Image.Name, Platform: r.report.Platform, Cores: r.view.Cores, Ring: r.view.RingLines, Pool: r.view.PoolPages,
			TSCKHz: r.report.TSCKHz, TSC: trace.Now(), Started: time.Now(),
		},
		Rings: append(rings, own),
		Names: r.traceNames,
		Live:  r.opt.Trace == "",
	})
	if err != nil {
		return err
	}
	r.tracer.Store(&tracer{own, kinds, spool, out, sync.OnceValue(spool.Close)})
	r.want(kinds)
	return nil
}

// want tells the cores what to note from now on. One that computes looks when its
// doorbell has rung; one that is not begun yet, when it begins.
func (r *run) want(kinds trace.Set) {
	for i, c := range r.cores {
		r.view.VMM(i).Trace.Store(uint64(kinds))
		if !c.over {
			c.ring()
		}
	}
}

// createTrace makes the file that was asked for.
func createTrace(name string) (f *os.File, err error) {
	if err = os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
		f, err = os.Create(name)
	}
	if err != nil {
		return nil, fmt.Errorf("trace: %w: use --trace with a writable folder", err)
	}
	return f, nil
}

// traceNames returns the names that a core gave its spans and so on.
func (r *run) traceNames(core int) (names []string) {
	table := r.view.Names(core)
	for i := range uint64(trace.MaxNames) {
		name := table.Name(i)
		if name == "" {
			break
		}
		names = append(names, name)
	}
	return names
}

// endTrace fills the file that was asked for. No core runs any more.
func (r *run) endTrace() error {
	t := r.tracer.Load()
	if t == nil || r.opt.Trace == "" {
		return nil
	}
	if err := t.close(); err != nil {
		return err
	}
	sum, err := timeline.Convert(r.opt.Dir, t.out)
	if err := errors.Join(err, t.out.Close()); err != nil {
		return err
	}
	r.report.Trace = &TraceReport{r.opt.Trace, sum.Records, sum.Arrows, sum.Lost()}
	return nil
}

// beginLife notes that a life of a core begins, and returns what to call at its end.
func (r *run) beginLife(c *core, number uint64, who worker) (end func()) {
	r.usage[c.index].begin(who)
	r.noteLife(c, number, trace.LifeBegins)
	return func() {
		r.usage[c.index].end()
		r.noteLife(c, number, trace.LifeEnds)
	}
}

// noteLife notes in the VMM's ring what a core's life does (trace.LifeBegins...).
func (r *run) noteLife(c *core, number, what uint64) {
	r.note(trace.Life, uint64(c.index)|number<<8, what)
}

// note writes a record to the VMM's ring, if there is one and the kind is on.
func (r *run) note(k trace.Kind, a, b uint64) {
	if t := r.tracer.Load(); t != nil && t.kinds&trace.SetOf(k) != 0 {
		t.ring.Put(k, a, b)
	}
}

// exitsOf returns what to call at each of a core's exits to the VMM.
func (r *run) exitsOf(core int) func(reason uint64) {
	return func(reason uint64) {
		r.usage[core].exits[min(reason, maxExit-1)].Add(1)
		r.note(trace.Exit, uint64(core), reason)
	}
}
