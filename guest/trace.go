package guest

import (
	"runtime"
	"sync"

	"barreleye/urpc/trace"
)

// Note is a name under which a program notes what it does, for the timeline that
// `barreleye run --trace` writes. Where nobody traces, its methods cost one load and
// a branch. They may be called from any goroutine, and do not allocate.
type Note struct{ place uint64 }

// noteNames are the names that this core has a place for.
var noteNames struct {
	sync.Mutex
	places map[string]uint64
}

// Trace returns the note of a name, of which 31 bytes are kept. A core has room for
// 127 names; any more share the last one's. It is best called once, for a variable
// of the package.
func Trace(name string) Note {
	if !Running() {
		return Note{}
	}
	t := &noteNames
	t.Lock()
	defer t.Unlock()
	place, known := t.places[name]
	if !known {
		if t.places == nil {
			t.places = map[string]uint64{}
		}
		var room bool
		if place, room = here.Region().Names(Core()).Add(name); !room {
			place = trace.MaxNames - 1
		}
		t.places[name] = place
	}
	return Note{place}
}

// Span is something that has begun: defer n.Begin().End().
type Span struct{ place, begun uint64 }

// Begin notes that something begins. Spans may overlap, and end on another
// goroutine.
func (n Note) Begin() Span {
	if !trace.On(trace.SpanBegin) {
		return Span{}
	}
	s := Span{n.place, trace.Now()}
	trace.Event(trace.SpanBegin, s.place, s.begun)
	return s
}

// End notes that it ends.
func (s Span) End() {
	if s.begun != 0 {
		trace.Event(trace.SpanEnd, s.place, s.begun)
	}
}

// Mark notes that something happened, with a value.
func (n Note) Mark(value uint64) { trace.Event(trace.Instant, n.place, value) }

// Count notes the value that something has from now on, for a graph.
func (n Note) Count(value uint64) { trace.Event(trace.Counter, n.place, value) }

// traceCollector has the end of each collection counted, and noted where that is on.
// The runtime calls nobody, but it finalizes what is unreachable: so each collection
// finds an object that the last one's finalizer made.
func traceCollector() { runtime.SetFinalizer(&cycle{}, (*cycle).collected) }

// cycle lives from one collection to the next. It is not so small that the runtime
// would put it together with others.
type cycle struct{ _ [4]uint64 }

func (*cycle) collected() {
	number, pause := publishCollections()
	trace.Event(trace.Collect, number, pause)
	traceCollector()
}
