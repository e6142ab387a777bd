package multikernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"barreleye/urpc/trace"
	"barreleye/vmm/timeline"
)

// tracer is the trace of a run, while it is taken.
type tracer struct {
	ring  trace.Ring // what the VMM notes
	spool *timeline.Spool
	out   *os.File // that was asked for
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

// startTrace tells the cores what to note, before they run, and begins to copy it.
func (r *run) startTrace() error {
	if r.opt.Trace == "" {
		return nil
	}
	own, err := trace.NewRing(vmmRecords)
	if err != nil {
		return err
	}
	// now: later the process may not be able to
	out, err := createTrace(r.opt.Trace)
	if err != nil {
		return err
	}
	var rings []trace.Ring
	for i := range r.view.Cores {
		rings = append(rings, r.view.Trace(i))
		r.view.VMM(i).Trace.Store(uint64(r.opt.TraceKinds))
	}
	spool, err := timeline.NewSpool(timeline.Config{
		Dir: r.opt.Dir,
		Meta: timeline.Meta{
			Image: r.opt.Image.Name, Platform: r.report.Platform, Cores: r.view.Cores, Ring: r.view.RingLines, Pool: r.view.PoolPages,
			TSCKHz: r.report.TSCKHz, TSC: trace.Now(), Started: time.Now(),
		},
		Rings: append(rings, own),
		Names: r.traceNames,
	})
	if err != nil {
		out.Close()
		return err
	}
	r.tracer = &tracer{own, spool, out}
	return nil
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
	if r.tracer == nil {
		return nil
	}
	if err := r.tracer.close(); err != nil {
		return err
	}
	sum, err := timeline.Convert(r.opt.Dir, r.tracer.out)
	if err := errors.Join(err, r.tracer.out.Close()); err != nil {
		return err
	}
	r.report.Trace = &TraceReport{r.opt.Trace, sum.Records, sum.Arrows, sum.Lost()}
	return nil
}

// close ends the copying.
func (t *tracer) close() (err error) {
	if t != nil && t.spool != nil {
		err = t.spool.Close()
		t.spool = nil
	}
	return err
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
	if r.tracer != nil {
		r.tracer.ring.Put(trace.Life, uint64(c.index)|number<<8, what)
	}
}

// exitsOf returns what to call at each of a core's exits to the VMM.
func (r *run) exitsOf(core int) func(reason uint64) {
	noted := r.opt.Trace != "" && r.opt.TraceKinds&trace.SetOf(trace.Exit) != 0
	return func(reason uint64) {
		r.usage[core].exits[min(reason, maxExit-1)].Add(1)
		if noted {
			r.tracer.ring.Put(trace.Exit, uint64(core), reason)
		}
	}
}
