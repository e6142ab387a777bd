package shares

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

const slice = 30_000_000 // 10 ms at 3 GHz

// newTable returns a table with a share for each weight.
func newTable(t *testing.T, weights ...uint64) *Table {
	t.Helper()
	table := &Table{}
	table.Init(slice)
	for i, w := range weights {
		if got, ok := table.Open(w, 0); !ok || got != i+1 {
			t.Fatalf("Open: share %d, %v, want %d", got, ok, i+1)
		}
	}
	return table
}

// run lets the ready shares compute for n slices.
func run(t *Table, ready uint64, n int) {
	for range n {
		t.Charge(t.Pick(ready, 0), slice)
	}
}

// ratio fails where shares a and b did not run want to one within 5 %.
func ratio(t *testing.T, table *Table, a, b int, want float64) {
	t.Helper()
	if got := float64(table.Ran(a)) / float64(table.Ran(b)); math.Abs(got/want-1) > 0.05 {
		t.Errorf("shares %d and %d ran %.3f : 1, want %.3f", a, b, got, want)
	}
}

func TestProportion(t *testing.T) {
	table := newTable(t, 300, 100)
	run(table, 0b110, 400)
	ratio(t, table, 1, 2, 3)

	table = newTable(t, 7, 5, 3)
	run(table, 0b1110, 1500)
	ratio(t, table, 1, 3, 7.0/3)
	ratio(t, table, 2, 3, 5.0/3)
}

// TestInterrupted: who is away for a moment in each of its turns, as a goroutine is
// that the runtime preempts, loses nothing by it.
func TestInterrupted(t *testing.T) {
	table := newTable(t, 300, 100)
	for range 2000 {
		i := table.Pick(0b110, 0)
		if i == 1 { // it is away: the other one and the runtime may run
			table.Charge(1, slice/2)
			if got := table.Pick(0b101, 0); got == 2 {
				table.Charge(2, slice)
				continue
			}
			table.Charge(0, slice/10_000)
			continue
		}
		table.Charge(i, slice)
	}
	ratio(t, table, 1, 2, 3)
}

// TestSleeper: a share that slept for long gets no more than its part afterwards.
func TestSleeper(t *testing.T) {
	table := newTable(t, 100, 100)
	run(table, 0b010, 1000)
	before := table.Ran(1)
	run(table, 0b110, 100)
	if got := (table.Ran(1) - before) / slice; got < 48 {
		t.Errorf("share 1 ran in %d of 100 slices after share 2 had slept, want 50", got)
	}
}

// TestOften: a share that wants little, often, gets it at once, and piles up no claim.
func TestOften(t *testing.T) {
	table := newTable(t, 100, 100)
	late := 0
	for range 1000 {
		table.Charge(table.Pick(0b010, 0), slice)
		if table.Pick(0b110, 0) != 2 {
			late++
		}
		table.Charge(2, slice/100)
	}
	if late != 0 {
		t.Errorf("share 2 was not picked %d times of 1000 though it used a hundredth", late)
	}
	one := table.Ran(1)
	run(table, 0b110, 100)
	if got := (table.Ran(1) - one) / slice; got < 48 {
		t.Errorf("share 1 ran in %d of 100 slices once share 2 computed too, want 50", got)
	}
}

func TestPriority(t *testing.T) {
	table := newTable(t, 100, 100, 100)
	table.Set(3, 100, 1)
	run(table, 0b1110, 100)
	if table.Ran(1)+table.Ran(2) != 0 {
		t.Errorf("shares of a lower priority ran for %d and %d cycles", table.Ran(1), table.Ran(2))
	}
	// the runtime's threads are not held up by any priority
	run(table, 0b1111, 100)
	if got := table.Ran(Runtime) / slice; got < 48 || got > 52 {
		t.Errorf("the runtime ran in %d of 100 slices beside one share of its weight, want 50", got)
	}
	// who waited for the higher priority to stop does not hold up the runtime for it
	before := table.Ran(Runtime)
	run(table, 0b0111, 99)
	if got := (table.Ran(Runtime) - before) / slice; got < 31 {
		t.Errorf("the runtime ran in %d of 99 slices beside two shares, want 33", got)
	}
}

// TestLend: a share of a high priority that waits for the runtime in the middle of its
// work does not wait for one of a lower priority meanwhile.
func TestLend(t *testing.T) {
	table := newTable(t, 100, 100)
	table.Set(2, 100, 1)
	for range 100 {
		if i := table.Pick(0b110, 0); i != 2 {
			t.Fatalf("share %d runs before the one of the higher priority", i)
		}
		table.Charge(2, slice)
		table.Lend(2)
		if i := table.Pick(0b011, 0); i != Runtime {
			t.Fatalf("share %d runs where one of a higher priority waits for the runtime", i)
		}
		table.Charge(Runtime, slice/10)
	}
	// it is over with the next run of who lent it
	table.Pick(0b110, 0)
	if _, ok := table.lent(); ok {
		t.Error("share 0 has the priority of a share that runs")
	}
	// a lower priority takes nothing of it, and who waits in vain loses it
	table.Lend(2)
	table.Lend(1)
	table.Lend(Runtime)
	for range 10 { // less than a slice in all
		if i := table.Pick(0b011, 0); i != Runtime {
			t.Errorf("share %d runs where one of a higher priority waits for the runtime", i)
		}
		table.Charge(Runtime, slice/10)
	}
	before := table.Ran(1)
	run(table, 0b011, 100)
	if got := (table.Ran(1) - before) / slice; got < 48 {
		t.Errorf("share 1 ran in %d of 100 slices beside the runtime's threads, want 50", got)
	}
	// nor does it go before others of that priority, or outlast the share
	table.Set(1, 100, 1)
	table.Lend(2)
	before = table.Ran(1)
	run(table, 0b011, 100)
	if got := (table.Ran(1) - before) / slice; got < 48 {
		t.Errorf("share 1 ran in %d of 100 slices beside what has its priority, want 50", got)
	}
	table.Lend(2)
	table.Close(2)
	if _, ok := table.lent(); ok {
		t.Error("share 0 has the priority of a share that is closed")
	}
}

func TestAll(t *testing.T) {
	table := newTable(t)
	for i := 1; i < Max; i++ {
		if _, ok := table.Open(0, 0); !ok { // weight 0 counts as 1
			t.Fatalf("no room for share %d", i)
		}
	}
	if i, ok := table.Open(1, 0); ok {
		t.Errorf("share %d beyond the last one", i)
	}
	run(table, ^uint64(1), 63*20)
	for i := 1; i < Max; i++ {
		if got := table.Ran(i); got != 20*slice {
			t.Errorf("share %d ran for %d cycles, want %d", i, got, 20*slice)
		}
	}
	table.Close(5)
	if i, ok := table.Open(1, 0); !ok || i != 5 || table.Ran(5) != 0 {
		t.Errorf("share %d, %v after 5 was given back; it ran for %d", i, ok, table.Ran(5))
	}
}

// TestWrap: passes wrap around without anybody noticing.
func TestWrap(t *testing.T) {
	table := newTable(t, 3, 1)
	table.floor = math.MaxUint64 - slice*scale
	for i := range table.shares {
		table.shares[i].pass = table.floor
	}
	run(table, 0b110, 400)
	ratio(t, table, 1, 2, 3)
}

// TestRandom: at random weights, readiness and times, who was always ready gets at
// least its part of what all who were ever ready would share.
func TestRandom(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 2 + r.IntN(6)
		weights := make([]uint64, n)
		sum := uint64(Weight)
		for i := range weights {
			weights[i] = 1 + r.Uint64N(1000)
			sum += weights[i]
		}
		table := newTable(t, weights...)
		total := uint64(0)
		for range 20_000 {
			ready := r.Uint64N(1<<(n+1)) | 0b10 // share 1 always
			i := table.Pick(ready, 0)
			if ready>>i&1 == 0 {
				t.Fatalf("seed %d: share %d picked of %b", seed, i, ready)
			}
			ran := 1 + r.Uint64N(slice)
			table.Charge(i, ran)
			total += ran
		}
		if got, want := float64(table.Ran(1))/float64(total), float64(weights[0])/float64(sum); got < want*0.95 {
			t.Errorf("seed %d: share 1 of weight %d of %d got %.3f of the time, want %.3f", seed, weights[0], sum, got, want)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	table := newTable(t, 3, 1)
	if n := testing.AllocsPerRun(100, func() { run(table, 0b111, 10) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if bits.OnesCount64(table.contended) != 3 {
		t.Errorf("%b competed, want three", table.contended)
	}
}
