package fanout

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// transcript runs a small tree by hand: every step of every machine is a line,
// what it says to do is indented below it.
type transcript struct {
	strings.Builder
	machines map[int]*Machine
	queue    map[[2]int][]Packet
	answers  map[int][]Event
	dead     map[int]bool
}

func (t *transcript) step(core int, what string, e Event) {
	fmt.Fprintf(t, "core %d: %s\n", core, what)
	for _, a := range t.machines[core].Step(&e, nil) {
		switch a.Kind {
		case ActSend:
			fmt.Fprintf(t, "    send core %d: %s\n", a.To, describe(&a.Packet))
			key := [2]int{core, a.To}
			t.queue[key] = append(t.queue[key], a.Packet)
		case ActAnswer:
			fmt.Fprintf(t, "    find the own answer to %d\n", a.Op)
			t.answers[core] = append(t.answers[core], Event{Kind: EventAnswer, Op: a.Op, Message: contribution(core, a.Op)})
		case ActResult:
			fmt.Fprintf(t, "    result of %d: cores %06b, %d answers, lost %v\n", a.Op, a.Message.Words[0], a.Message.Words[4], a.Lost)
		case ActListen:
			fmt.Fprintf(t, "    listen to core %d\n", a.To)
		case ActIgnore:
			fmt.Fprintf(t, "    ignore core %d: %v\n", a.To, a.Err)
		case ActEnd:
			fmt.Fprintf(t, "    end\n")
		}
	}
}

func describe(p *Packet) string {
	switch p.Kind {
	case KindRequest:
		return fmt.Sprintf("request %d", p.Op)
	case KindReply:
		return fmt.Sprintf("reply to %d: cores %06b, %d answers", p.Op, p.Message.Words[0], p.Message.Words[4])
	case KindLost:
		var cores []int
		for i := range p.lostCores() {
			cores = append(cores, p.lostCore(i))
		}
		return fmt.Sprintf("lost in %d: cores %v", p.Op, cores)
	case KindEnd:
		return "end"
	}
	return "?"
}

// take lets core take the next packet of another one, or its death.
func (t *transcript) take(core, from int) {
	key := [2]int{from, core}
	if len(t.queue[key]) == 0 && t.dead[from] {
		t.step(core, fmt.Sprintf("core %d is gone", from), Event{Kind: EventGone, From: from})
		return
	}
	p := t.queue[key][0]
	t.queue[key] = t.queue[key][1:]
	t.step(core, fmt.Sprintf("from core %d: %s", from, describe(&p)), Event{Kind: EventPacket, From: from, Packet: p})
}

func (t *transcript) answer(core int) {
	e := t.answers[core][0]
	t.answers[core] = t.answers[core][1:]
	t.step(core, fmt.Sprintf("own answer to %d", e.Op), e)
}

func (t *transcript) start(op uint64) {
	t.step(0, fmt.Sprintf("start %d", op), Event{Kind: EventStart, Message: request(op)})
}

// TestGolden: an operation without a fault, one in which an inner core dies with
// half of its answer, and one without it.
func TestGolden(t *testing.T) {
	tree, err := NewTree(0, [][]int{{1, 2}, {3, 4}, {5}, nil, nil, nil}, 2)
	if err != nil {
		t.Fatal(err)
	}
	w := &transcript{machines: map[int]*Machine{}, queue: map[[2]int][]Packet{}, answers: map[int][]Event{}, dead: map[int]bool{}}
	for i := range 6 {
		w.machines[i] = must(NewMachine(tree, i, union))
	}
	fmt.Fprintf(w, "# core 0 asks; 1 and 2 are below it, 3 and 4 below 1, 5 below 2\n")
	w.start(0)
	w.take(1, 0)
	w.take(2, 0)
	for _, leaf := range []struct{ core, above int }{{3, 1}, {4, 1}, {5, 2}} {
		w.take(leaf.core, leaf.above)
		w.answer(leaf.core)
		w.take(leaf.above, leaf.core)
	}
	w.answer(1)
	w.answer(2)
	w.take(0, 2)
	w.take(0, 1)

	fmt.Fprintf(w, "\n# core 1 dies when core 3 has answered it, and core 4 has not heard of the request\n")
	w.start(1)
	w.take(1, 0)
	w.take(3, 1)
	w.answer(3)
	w.take(1, 3)
	w.dead[1], w.queue[[2]int{1, 4}] = true, nil
	w.take(2, 0)
	w.take(5, 2)
	w.answer(5)
	w.answer(2)
	w.take(2, 5)
	w.take(0, 2)
	w.take(0, 1) // gone: takes over 3 and 4
	w.take(3, 1) // gone: looks up to 0
	w.take(3, 0) // repeats its answer
	w.take(4, 1)
	w.take(4, 0)
	w.answer(4)
	w.take(0, 3)
	w.take(0, 4)

	fmt.Fprintf(w, "\n# core 5 dies while nothing is under way: the next operation names it\n")
	w.dead[5] = true
	w.take(2, 5)
	w.start(2)
	for _, c := range []int{3, 4, 2} {
		w.take(c, 0)
		w.answer(c)
		w.take(0, c)
	}
	w.take(0, 2)
	w.step(0, "close", Event{Kind: EventEnd})
	w.take(2, 0)

	name := filepath.Join("testdata", "tree.txt")
	if *update {
		if err := os.WriteFile(name, []byte(w.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if w.String() != string(want) {
		t.Errorf("the transcript differs from %s (-update rewrites it):\n%s", name, w.String())
	}
}
