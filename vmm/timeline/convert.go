package timeline

import (
	"bufio"
	"fmt"
	"io"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc/trace"
)

// Summary is what a conversion came to.
type Summary struct {
	Records uint64   // that were converted
	Arrows  uint64   // messages whose send and receive were both found
	Dropped []uint64 // records lost by each core, and last by the VMM; nil while cores run
}

// Lost is how many records were lost in all.
func (s Summary) Lost() (n uint64) {
	for _, d := range s.Dropped {
		n += d
	}
	return n
}

// converter is one conversion.
type converter struct {
	w     *writer
	meta  Meta
	cores []*core
	flows flows

	operations operations

	region region.Geometry
	areas  map[int]string // names of its pages
	lives  []uint64       // when each core's life began; 0: none is on
	sum    Summary
}

// Convert writes the records of the run in a folder as Chrome's trace events.
func Convert(dir string, to io.Writer) (Summary, error) {
	meta, m, err := open(dir)
	if err != nil {
		return Summary{}, err
	}
	defer m.close()
	if meta.TSCKHz == 0 || meta.Cores < 1 {
		return Summary{}, fmt.Errorf("trace: %s says %d cores at %d kHz: the run was written by another version", MetaFile, meta.Cores, meta.TSCKHz)
	}
	c := &converter{
		w:     &writer{out: bufio.NewWriterSize(to, 1<<16), khz: meta.TSCKHz, begin: meta.TSC, first: true},
		meta:  meta,
		flows: flows{channels: map[uint64]*channel{}},
		areas: map[int]string{},

		operations: operations{},

		region: region.Geometry{Cores: meta.Cores, RingLines: meta.Ring, PoolPages: meta.Pool},
		lives:  make([]uint64, meta.Cores),
		sum:    Summary{Dropped: meta.Dropped},
	}
	c.w.b = append(c.w.b, `{"displayTimeUnit":"ns","traceEvents":[`+"\n"...)
	c.head()
	for {
		core, r, ok, err := m.take(c.cause)
		if err != nil {
			return c.sum, err
		}
		if !ok {
			break
		}
		c.sum.Records++
		c.convert(core, r)
	}
	c.tail()
	c.w.flush()
	if err := c.w.out.Flush(); err != nil {
		return c.sum, fmt.Errorf("trace: %w: free some space, or write it elsewhere", err)
	}
	return c.sum, nil
}

// head names processes and tracks.
func (c *converter) head() {
	for i := range c.meta.Cores {
		one := &core{index: i, spans: map[uint64]uint64{}}
		if i < len(c.meta.Names) {
			one.names = c.meta.Names[i]
		}
		c.cores = append(c.cores, one)
	}
	c.name(c.meta.Cores, 0, "process_name", "VMM", c.meta.Cores)
}

// appear names a core and its tracks; there is room for more cores than there are.
func (c *converter) appear(one *core) {
	if one.known {
		return
	}
	one.known = true
	c.name(one.index, 0, "process_name", fmt.Sprintf("core %d", one.index), one.index)
	for track, name := range trackNames {
		if name != "" {
			c.name(one.index, track, "thread_name", name, track)
		}
	}
	c.name(c.meta.Cores, 1+one.index, "thread_name", fmt.Sprintf("core %d's thread", one.index), one.index)
}

// name gives a process or a track its name and its place among the others.
func (c *converter) name(process, track int, what, name string, place int) {
	w := c.w
	w.open('M', process, track, what)
	w.args()
	w.text("name", name)
	w.end(true)
	w.open('M', process, track, what[:len(what)-len("name")]+"sort_index")
	w.args()
	w.number("sort_index", uint64(place))
	w.end(true)
}

// convert writes what one record says.
func (c *converter) convert(index int, r record) {
	if index == c.meta.Cores {
		c.vmm(r)
		return
	}
	one, w := c.cores[index], c.w
	c.appear(one)
	r.tsc = max(r.tsc, one.floor)
	if one.state == "" {
		one.state, one.since = running, r.tsc
	}
	one.rates.count(one, w, r)
	switch r.kind {
	case trace.Send, trace.Recv:
		c.message(one, r)
	case trace.Stall:
		one.instant(w, trackMessages, r.tsc, "stall", "channel", c.area(r.a), "line", r.b)
	case trace.Park, trace.Unpark:
		one.instant(w, trackMessages, r.tsc, r.kind.String(), "word", hex(r.a), "channel", c.area(r.a))
	case trace.Hello:
		one.instant(w, trackMonitor, r.tsc, "hello", "peer", r.a, "life", r.b)
	case trace.Bind:
		one.instant(w, trackMonitor, r.tsc, bindName(r.a&0xff), "peer", r.a>>8, "channel", r.b)
	case trace.Member:
		one.instant(w, trackMonitor, r.tsc, "member", "core", r.a, "state", r.b)
	case trace.Agree:
		c.agree(one, r)
	case trace.Mark:
		switch {
		case r.a != 0 && one.marking == 0:
			one.marking = r.tsc
		case r.a == 0 && one.marking != 0:
			one.slice(w, trackCollector, "mark", one.marking, r.tsc)
			one.marking = 0
		}
	case trace.Collect:
		one.instant(w, trackCollector, r.tsc, "collected", "number", r.a, "pauses_ns", r.b)
		w.event('C', one.index, 0, r.tsc, "collections")
		w.args()
		w.number("so far", r.a)
		w.number("pause us", r.b/1000)
		w.end(true)
	case trace.SpanBegin, trace.SpanEnd, trace.Instant, trace.Counter:
		one.program(w, r)
	default:
		one.driver(w, r)
	}
}

func bindName(what uint64) string {
	if what == trace.BindOpen {
		return "open"
	}
	return "close"
}

// cause is for merge.take: a receive comes after its sends.
func (c *converter) cause(core int, r record) (since uint64, seen bool) {
	if r.kind != trace.Recv || core == c.meta.Cores {
		return 0, true
	}
	return c.flows.cause(r.a&(1<<48-1), core, r.b, r.a>>48)
}

// message writes the slice of a send or a receive, and the arrows that end there.
func (c *converter) message(one *core, r record) {
	w := c.w
	address, count := r.a&(1<<48-1), r.a>>48
	r.tsc = max(r.tsc, one.message)
	one.message = r.tsc + shortest
	w.event('X', one.index, trackMessages, r.tsc, r.kind.String())
	w.duration(r.tsc, one.message)
	w.args()
	w.text("channel", c.area(address))
	w.number("line", r.b)
	if count > 1 {
		w.number("lines", count)
	}
	w.end(true)
	if r.kind == trace.Send {
		c.flows.sent(address, send{first: r.b, count: count, tsc: r.tsc, core: one.index})
		return
	}
	for _, s := range c.flows.received(address, one.index, r.b, count) {
		c.flows.number++
		c.sum.Arrows++
		c.arrow('s', "message", trackMessages, s.core, s.tsc)
		c.arrow('f', "message", trackMessages, one.index, r.tsc)
	}
}

// arrow writes one end of an arrow. The format wants a name and a category that
// both ends have.
func (c *converter) arrow(phase byte, name string, track, core int, tsc uint64) {
	w := c.w
	w.event(phase, core, track, tsc, name)
	w.text("cat", name)
	w.hex("id", c.flows.number)
	if phase == 'f' {
		w.text("bp", "e") // it ends at the slice around it, not at the next one
	}
	w.end(false)
}

// area names what lies at an address of the region.
func (c *converter) area(address uint64) string {
	page := int((address - layout.RegionVA) / layout.PageSize)
	name, ok := c.areas[page]
	if !ok {
		name = hex(address)
		if area, found := c.region.At(page); found {
			name = area.What
		}
		if len(c.areas) < maxChannels {
			c.areas[page] = name
		}
	}
	return name
}

// vmm takes a record of the VMM.
func (c *converter) vmm(r record) {
	w, core := c.w, int(r.a&0xff)
	if core >= c.meta.Cores {
		return
	}
	c.appear(c.cores[core])
	thread := coreThread{c.meta.Cores, 1 + core}
	switch {
	case r.kind == trace.Exit:
		thread.instant(w, r.tsc, exitName(r.b))
	case r.kind == trace.Life && r.b == trace.LifeBegins:
		c.lives[core] = r.tsc
	case r.kind == trace.Life && r.b == trace.LifeEnds:
		c.endLife(core, r.tsc)
	case r.kind == trace.Life && r.b == trace.LifeParked:
		thread.instant(w, r.tsc, "parked")
	case r.kind == trace.Life && r.b == trace.LifeResumed:
		thread.instant(w, r.tsc, "resumed")
	}
}

// endLife writes the slice of a core's life.
func (c *converter) endLife(core int, tsc uint64) {
	if c.lives[core] == 0 {
		return
	}
	w := c.w
	w.event('X', c.meta.Cores, 1+core, c.lives[core], "life")
	w.duration(c.lives[core], tsc)
	w.end(false)
	c.lives[core] = 0
	c.cores[core].close(w, tsc)
}

// tail ends what is not over, and says what was lost.
func (c *converter) tail() {
	w := c.w
	end := w.last*w.khz/1e6 + w.begin
	c.endOperations(end)
	for i, one := range c.cores {
		c.endLife(i, end)
		one.close(w, end)
	}
	w.b = append(w.b, "\n],\"otherData\":{"...)
	w.text("image", c.meta.Image)
	w.text("platform", c.meta.Platform)
	w.text("started", c.meta.Started.Format("2006-01-02T15:04:05.000000Z07:00"))
	w.number("records", c.sum.Records)
	w.number("arrows", c.sum.Arrows)
	w.number("lost", c.sum.Lost())
	w.b = append(w.b, "}}\n"...)
}

// coreThread is the VMM's thread of a core, as a track.
type coreThread struct{ process, track int }

func (t coreThread) instant(w *writer, tsc uint64, name string) {
	w.event('i', t.process, t.track, tsc, name)
	w.text("s", "t")
	w.end(false)
}
