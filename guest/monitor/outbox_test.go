package monitor

import (
	"sync"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/urpc"
)

// flushed is a channel that counts how often its peer was woken.
type flushed struct {
	end
	times int
}

func (f *flushed) Flush() { f.times++ }

// TestToldOnce: a peer whose answer has come is not woken for what it answers, and is for
// whatever was said after the question, or answered by others than it alone.
func TestToldOnce(t *testing.T) {
	question := agreement.Message{Kind: agreement.KindPrepare, Seq: 3, Epoch: 2, Core: 0}
	answer := agreement.Message{Kind: agreement.KindVote, Yes: true, Seq: 3, Epoch: 2, Core: 0}
	combined := answer
	combined.Set = cores.Of(1, 2)
	for name, c := range map[string]struct {
		after  int // lines said after the question
		answer agreement.Message
		wakes  int
	}{
		"its answer":           {0, answer, 0},
		"more was said":        {1, answer, 1},
		"of others too":        {0, combined, 1},
		"of another question":  {0, agreement.Message{Kind: agreement.KindDone, Seq: 3, Epoch: 2}, 1},
		"of an earlier one":    {0, agreement.Message{Kind: agreement.KindVote, Seq: 2, Epoch: 2}, 1},
		"of the view before":   {0, agreement.Message{Kind: agreement.KindVote, Seq: 3, Epoch: 1}, 1},
		"of what nobody asked": {0, agreement.Message{Kind: agreement.KindDone}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ch := &flushed{end: end{newLine(64), newLine(64)}}
			p := speech{out: newOutbox(new(sync.Mutex), new(bool), func() {})}
			p.out.begin(ch, &urpc.Message{})
			ch.times = 0
			p.out.later(&urpc.Message{})
			p.said(0, &question)
			for range c.after {
				p.out.later(&urpc.Message{})
			}
			p.answered(&c.answer)
			if p.out.tell(); ch.times != c.wakes {
				t.Errorf("woken %d times, wanted %d", ch.times, c.wakes)
			}
		})
	}
}
