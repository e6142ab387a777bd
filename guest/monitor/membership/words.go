package membership

import (
	"runtime"
	"sync/atomic"

	"barreleye/guest/monitor/cores"
)

// Published is what the VMM says in shared memory: the view of today, and how those begin
// that have not seen it yet.
type Published struct {
	View
	// Admitted are the members of the view in which Joining was admitted.
	Admitted cores.Set
	// Initial is how many cores there were in epoch 1: 0 to Initial-1.
	Initial int
}

// First returns the view in which a core begins that has seen none: what has changed since,
// it sees next. It must not leave that out, or it would not settle what those leave whose
// operations include it.
func (p *Published) First(core int) View {
	if p.Joining == core {
		return View{Epoch: p.JoinEpoch, Members: p.Admitted, Joining: core, JoinEpoch: p.JoinEpoch}
	}
	return View{Epoch: 1, Members: cores.First(p.Initial), Joining: Nobody}
}

// Words of it in memory: 0 is odd while the others change, 1 the epoch, 2 the joining core
// plus one, 3 its epoch, 4 Initial; then Members and Admitted.
const (
	membersAt  = 8
	admittedAt = membersAt + cores.SetWords
	needWords  = admittedAt + cores.SetWords
)

// Publish writes p. Only the VMM does.
func Publish(w []atomic.Uint64, p *Published) {
	w = w[:needWords]
	seq := w[0].Add(1)
	w[1].Store(p.Epoch)
	w[2].Store(uint64(p.Joining + 1))
	w[3].Store(p.JoinEpoch)
	w[4].Store(uint64(p.Initial))
	for i := range cores.SetWords {
		w[membersAt+i].Store(p.Members.Word(i))
		w[admittedAt+i].Store(p.Admitted.Word(i))
	}
	w[0].Store(seq + 1)
}

// Read returns what was published last. It waits while that changes, which is a few
// stores of the VMM.
func Read(w []atomic.Uint64) (p Published) {
	for ; ; runtime.Gosched() {
		seq := w[0].Load()
		p.Epoch, p.Joining, p.JoinEpoch, p.Initial = w[1].Load(), int(w[2].Load())-1, w[3].Load(), int(w[4].Load())
		for i := range cores.SetWords {
			p.Members.SetWord(i, w[membersAt+i].Load())
			p.Admitted.SetWord(i, w[admittedAt+i].Load())
		}
		if seq%2 == 0 && w[0].Load() == seq {
			return p
		}
	}
}
