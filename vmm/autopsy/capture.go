package autopsy

import (
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/replica"
	"barreleye/urpc"
	"barreleye/urpc/trace"
	"barreleye/vmm/image"
	"barreleye/vmm/postmortem"
)

// Bounds of a record.
const (
	maxThreads  = 64
	maxFrames   = 32
	maxMessages = 4   // of each direction of a channel
	maxChannels = 512 // directions
	maxRecords  = 32  // of the trace
	maxOpened   = 16  // directions of one pair

	maxFrameMaps = 64
)

// Subject is a life that ended.
type Subject struct {
	View    *region.View
	Core    int
	Image   *image.Image
	Remains postmortem.Remains // nil where only the shared region is left
	TSCKHz  uint64             // 0: not known
}

// Channels reads what the core's channels hold. The sooner after its end, the more
// of it is what it was then: peers go on.
func (s *Subject) Channels() (list []Channel) {
	for peer := range s.View.Cores {
		if peer == s.Core || len(list) >= maxChannels {
			continue
		}
		for _, sent := range []bool{true, false} {
			from, to := s.Core, peer
			if !sent {
				from, to = to, from
			}
			list = append(list, channelsOf(s.View, from, to, peer, sent)...)
		}
	}
	return list
}

func channelsOf(v *region.View, from, to, peer int, sent bool) (list []Channel) {
	add := func(name string, side, other urpc.Side) {
		n := urpc.WrittenOf(side)
		if n == 0 {
			return
		}
		c := Channel{Peer: peer, Sent: sent, Name: name, Messages: n, Last: []string{}}
		if other.Stats != nil {
			c.Taken = atomic.LoadUint64(&other.Stats.Recv.Messages)
		}
		for _, m := range urpc.RecentOf(side, maxMessages) {
			c.Last = append(c.Last, fmt.Sprintf("%d: type %d, %d bytes: %x", m.Number, m.Type, len(m.Payload), m.Payload))
		}
		list = append(list, c)
	}
	for kind, name := range []string{region.ChannelMonitor: region.MonitorChannel, region.ChannelProgram: "program", region.ChannelPages: "pages"} {
		side, e1 := v.OpenSide(kind, from, to)
		other, e2 := v.OpenSide(kind, to, from)
		if e1 == nil && e2 == nil {
			add(name, side, other)
		}
	}
	for i, e := range v.Opened(from, to) {
		side, other, err := v.EntrySides(from, to, e)
		if err == nil && e.Profile == region.ProfileLatency && len(list) < maxOpened {
			add(fmt.Sprintf("opened %d", i), side, other)
		}
	}
	return list
}

// Capture makes the record of the life. It lacks what the caller knows: the end
// in a line, the channels, the last lines.
func (s *Subject) Capture() *Record {
	r := &Record{
		Image: s.Image.Name, Core: s.Core, Ended: time.Now(),
		Threads: []Thread{}, Channels: []Channel{}, Maps: []Mapping{}, Lines: []string{},
		Counters: Counters(&s.View.Block(s.Core).Counters), Trace: s.trace(),
		Decisions: s.decisions(), Frames: s.frames(),
	}
	if s.Remains == nil {
		return r
	}
	threads := s.Remains.Threads()
	for _, t := range threads[:min(len(threads), maxThreads)] {
		shown := Thread{TID: t.TID, What: t.What, Stack: []string{}}
		if t.What != postmortem.Reset {
			shown.Registers = t.Regs.String()
			shown.Stack = Lines(postmortem.Stack(s.Remains, s.Image, &t.Regs, maxFrames))
		}
		r.Threads = append(r.Threads, shown)
	}
	r.Maps = mappings(s.Remains.Ranges())
	return r
}

// trace lists the last records of the core's trace, each with how long before the
// last one it was. There are none but in a run with --trace.
func (s *Subject) trace() (list []string) {
	ring := s.View.Trace(s.Core)
	records := make([]trace.Record, ring.Records())
	n := trace.NewReader(ring).Read(records, true)
	records = records[max(0, n-maxRecords):n]
	for i := range records {
		r := &records[i]
		before := float64(int64(records[len(records)-1].TSC-r.TSC)) * 1e3 / float64(max(s.TSCKHz, 1))
		list = append(list, fmt.Sprintf("%10.1f us before: %s %#x %#x", before, r.Kind(), r.A, r.B))
	}
	return list
}

// frames lists what capabilities to frames were mapped for, as capabilities name it.
func (s *Subject) frames() (list []string) {
	table := s.View.Maps(s.Core)
	for _, m := range table[:min(s.View.Block(s.Core).MapCount.Load(), uint64(len(table)))] {
		if m.Kind != boot.KindFrame || len(list) == maxFrameMaps {
			continue
		}
		may := [...]string{"no access", "for reading", "for writing", "for reading and writing"}[m.Prot&(boot.Read|boot.Write)]
		list = append(list, fmt.Sprintf("Frame %#x+%#x at %#x, %s", uint64(m.Frame)*layout.PageSize, m.End-m.Start, m.Start, may))
	}
	return list
}

// decisions lists the records of what the core's monitor had begun to carry out.
func (s *Subject) decisions() (list []string) {
	for i := range s.View.Decisions(s.Core) {
		d := agreement.LoadRecord(&s.View.Decisions(s.Core)[i])
		if d.Seq == 0 {
			continue
		}
		phases := "two phases"
		if d.Apply {
			phases = "one phase"
		}
		list = append(list, fmt.Sprintf("%d in view %d, %s, with cores %v: %s", d.Seq, d.Epoch, phases, slices.Collect(d.To.All()), replica.Describe(d.Op)))
	}
	return list
}

// Lines shows the frames of a stack.
func Lines(frames []image.Frame) []string {
	list := make([]string, len(frames))
	for i := range frames {
		list[i] = frames[i].String()
	}
	return list
}

// eventNames name the driver's events.
var eventNames = [...]string{
	region.EventSyscall: "Syscalls", region.EventTrap: "Traps", region.EventCall: "Calls", region.EventException: "Exceptions",
	region.EventFault: "Faults", region.EventTick: "Ticks", region.EventDoorbell: "Doorbells",
}

// Counters lists the fields of a structure of counters that are not zero.
func Counters(counters any) []Counter {
	list := []Counter{}
	v := reflect.ValueOf(counters).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Uint64:
			if f.Uint() != 0 {
				list = append(list, Counter{v.Type().Field(i).Name, f.Uint()})
			}
		case reflect.Array:
			for j := range f.Len() {
				if e := f.Index(j); e.Kind() == reflect.Uint64 && e.Uint() != 0 {
					name := fmt.Sprintf("%s[%d]", v.Type().Field(i).Name, j)
					if v.Type().Field(i).Name == "Events" && j < len(eventNames) {
						name = eventNames[j]
					}
					list = append(list, Counter{name, e.Uint()})
				}
			}
		}
	}
	return list
}

// mappings sums up ranges by kind and protection.
func mappings(ranges []postmortem.Range) []Mapping {
	list := []Mapping{}
	index := map[string]int{}
	for _, r := range ranges {
		prot := []byte("---")
		for i, c := range []byte("rwx") {
			if r.Prot&(1<<i) != 0 {
				prot[i] = c
			}
		}
		kind := r.Kind + " " + string(prot)
		i, ok := index[kind]
		if !ok {
			i = len(list)
			index[kind] = i
			list = append(list, Mapping{Kind: kind, Start: fmt.Sprintf("%#x", r.Start)})
		}
		list[i].Ranges++
		list[i].KiB += (r.End - r.Start) >> 10
	}
	return list
}
