package monitor

import (
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/urpc/trace"
)

// steps notes in the trace what this core does for operations: each step once, however many
// cores hear of it.
type steps struct {
	what, seq uint64 // the last one
}

// note notes what an action of the machine is part of, before that is done.
func (s *steps) note(core int, do *agreement.Action) {
	m := do.Message
	switch {
	case do.Kind == agreement.ActResult && do.Seq != 0:
		end := uint64(trace.AgreeEnd)
		if do.Outcome != agreement.Committed {
			end = trace.AgreeRefused
		}
		s.write(end, core, "", do.Seq)
	case do.Kind == agreement.ActRecord:
		if r := do.Record; r.Seq != 0 && r.To == (cores.Set{}) {
			s.write(trace.AgreeAlone, core, r.Op, r.Seq)
		}
	case do.Kind != agreement.ActSend:
	case m.Kind == agreement.KindVote && m.Core != core:
		s.write(trace.AgreeVote, m.Core, "", m.Seq)
	case m.Kind == agreement.KindDone && m.Core != core:
		s.write(trace.AgreeDone, m.Core, "", m.Seq)
	case m.Core != core: // passed on, or about a join
	case m.Kind == agreement.KindPrepare:
		s.write(trace.AgreeBegin, core, m.Op, m.Seq)
	case m.Kind == agreement.KindApply:
		s.write(trace.AgreeApply, core, m.Op, m.Seq)
	case m.Kind == agreement.KindDecide:
		s.write(trace.AgreeDecide, core, "", m.Seq)
	}
}

func (s *steps) write(what uint64, coordinator int, op agreement.Op, seq uint64) {
	what |= uint64(coordinator) << 8
	if op != "" {
		what |= uint64(op[0]) << 24
	}
	if s.what != what || s.seq != seq {
		s.what, s.seq = what, seq
		trace.Event(trace.Agree, what, seq)
	}
}
