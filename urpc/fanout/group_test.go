package fanout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"barreleye/urpc"
)

// square answers a number by it plus the core's own, squared.
func square(core int) Handler {
	return func(m *urpc.Message) bool {
		m.Words[1] = m.Words[0] * m.Words[0]
		m.Words[0] += uint64(core)
		return false
	}
}

// wantSum wants the answers of these cores to x, added up.
func wantSum(m *urpc.Message, x uint64, cores []int) error {
	var want urpc.Message
	want.Len, want.Type = m.Len, m.Type
	for _, c := range cores {
		want.Words[0] += x + uint64(c)
		want.Words[1] += x * x
	}
	if *m != want || m.Type != 7 {
		return fmt.Errorf("answer to %d is %v, want %v", x, m.Words, want.Words)
	}
	return nil
}

func number(x uint64) urpc.Message {
	return urpc.Message{Words: [urpc.WordCount]uint64{x, 0, 0, 0, 0, 0, 99}, Len: 16, Type: 7}
}

// TestDo: every member has its part in every answer, and Close ends them all.
func TestDo(t *testing.T) {
	eachForm(t, []int{1, 2, 7}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := limit(t)
		g, ends := form.start(mesh, ctx, Sum, square)
		for x := range uint64(300) {
			m := number(x)
			if err := g.Do(ctx, &m); err != nil {
				t.Fatal(x, err)
			}
			if err := wantSum(&m, x, mesh.members()); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
		for _, i := range mesh.members() {
			if err := <-ends[i]; err != ErrEnded {
				t.Errorf("core %d: %v", i, err)
			}
		}
	})
}

// TestPipeline: Window operations may be under way, and end in their order.
func TestPipeline(t *testing.T) {
	eachForm(t, []int{1, 5}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := limit(t)
		g, _ := form.start(mesh, ctx, Sum, square)
		var m urpc.Message
		if err := g.Finish(ctx, &m); err != ErrWindow {
			t.Errorf("finish of nothing: %v", err)
		}
		ended := uint64(0)
		finish := func() {
			if err := g.Finish(ctx, &m); err != nil {
				t.Fatal(ended, err)
			}
			if err := wantSum(&m, ended, mesh.members()); err != nil {
				t.Fatal(err)
			}
			ended++
		}
		for x := range uint64(100) {
			if x >= Window {
				if err := g.Start(ctx, &m); err != ErrWindow {
					t.Fatalf("operation %d of %d: %v", x, ended, err)
				}
				finish()
			}
			m = number(x)
			if err := g.Start(ctx, &m); err != nil {
				t.Fatal(x, err)
			}
		}
		if err := g.Do(ctx, &m); err != ErrWindow {
			t.Errorf("Do with others under way: %v", err)
		}
		for ended < 100 {
			finish()
		}
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestMemberDies: a member crashes with a request in hand. The operation names it,
// has the others' answers, and later ones go on without it.
func TestMemberDies(t *testing.T) {
	eachForm(t, []int{7}, func(t *testing.T, form *testForm, first *mesh) {
		for victim := 1; victim <= 7; victim++ {
			for _, died := range []uint64{0, 5} {
				m := newMesh(t, 8)
				ctx := limit(t)
				g, ends := form.start(m, ctx, Sum, func(core int) Handler {
					return func(msg *urpc.Message) bool {
						if core == victim && msg.Words[0] == died {
							m.crash(core)
						}
						return square(core)(msg)
					}
				})
				left := m.members()
				for x := range uint64(20) {
					msg := number(x)
					err := g.Do(ctx, &msg)
					var lost *LostError
					if x == died {
						left = slices.DeleteFunc(left, func(c int) bool { return c == victim })
						if !errors.As(err, &lost) || !slices.Equal(lost.Cores, []int{victim}) {
							t.Fatalf("operation %d: %v, want core %d lost", x, err, victim)
						}
					} else if err != nil {
						t.Fatalf("operation %d: %v", x, err)
					}
					if err := wantSum(&msg, x, left); err != nil {
						t.Fatal(err)
					}
					if x >= died && !slices.Equal(g.Members(), left) {
						t.Fatalf("members %v, want %v", g.Members(), left)
					}
				}
				if err := g.Close(ctx); err != nil {
					t.Fatal(err)
				}
				for _, i := range left {
					if err := <-ends[i]; err != ErrEnded {
						t.Errorf("core %d: %v", i, err)
					}
				}
				m.done.Wait()
			}
		}
	})
}

// TestAllDie: without any member an operation ends too, and there is nothing left
// to do for the next.
func TestAllDie(t *testing.T) {
	eachForm(t, []int{3}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := limit(t)
		g, _ := form.start(mesh, ctx, Sum, func(core int) Handler {
			return func(*urpc.Message) bool { mesh.crash(core); return false }
		})
		m := number(1)
		err := g.Do(ctx, &m)
		var lost *LostError
		if !errors.As(err, &lost) || !slices.Equal(lost.Cores, []int{1, 2, 3}) || !errors.Is(err, urpc.ErrClosed) {
			t.Fatal(err)
		}
		if want := "fanout: lost core 1, 2, 3: urpc: closed: the answer is that of the others"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		if m != (urpc.Message{}) {
			t.Errorf("answer of nobody: %v", m)
		}
		m = number(2)
		if err := g.Do(ctx, &m); err != nil || m != (urpc.Message{}) || len(g.Members()) != 0 {
			t.Error(err, m, g.Members())
		}
	})
}

// TestGiveUp: an operation whose context ends is given up. Its answer does not
// become another's, and as many as fit may be given up.
func TestGiveUp(t *testing.T) {
	eachForm(t, []int{3}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := limit(t)
		release := make(chan bool)
		g, _ := form.start(mesh, ctx, Sum, func(core int) Handler {
			return func(m *urpc.Message) bool {
				if core == 2 && m.Words[0] == 0 {
					<-release
				}
				return square(core)(m)
			}
		})
		over, cancel := context.WithCancel(ctx)
		cancel()
		for x := range uint64(Window) {
			m := number(x)
			if err := g.Do(over, &m); err != context.Canceled {
				t.Fatal(x, err)
			}
		}
		m := number(50)
		if err := g.Do(over, &m); err != context.Canceled {
			t.Fatal(err)
		}
		close(release)
		for x := uint64(100); x < 110; x++ {
			m = number(x)
			if err := g.Do(ctx, &m); err != nil {
				t.Fatal(err)
			}
			if err := wantSum(&m, x, mesh.members()); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestDone: a handler that is done ends Serve after its answer, and in a tree after
// those from below.
func TestDone(t *testing.T) {
	eachForm(t, []int{7}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := limit(t)
		g, ends := form.start(mesh, ctx, Sum, func(core int) Handler {
			return func(m *urpc.Message) bool { return square(core)(m) || m.Words[1] == 25 }
		})
		for x := range uint64(6) {
			m := number(x)
			if err := g.Do(ctx, &m); err != nil {
				t.Fatal(err)
			}
			if err := wantSum(&m, x, mesh.members()); err != nil {
				t.Fatal(err)
			}
		}
		for _, i := range mesh.members() {
			if err := <-ends[i]; err != nil {
				t.Errorf("core %d: %v", i, err)
			}
		}
	})
}

// TestRootDies: members learn that nobody asks any more.
func TestRootDies(t *testing.T) {
	eachForm(t, []int{7}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := limit(t)
		g, ends := form.start(mesh, ctx, Sum, square)
		m := number(1)
		if err := g.Do(ctx, &m); err != nil {
			t.Fatal(err)
		}
		m = number(2)
		if err := g.Start(ctx, &m); err != nil {
			t.Fatal(err)
		}
		mesh.bury(0)
		for _, i := range mesh.members() {
			if err := <-ends[i]; err != ErrEnded {
				t.Errorf("core %d: %v", i, err)
			}
		}
	})
}

// TestLiar: a member that answers what it was not asked is named, with the reason,
// and the others go on.
func TestLiar(t *testing.T) {
	eachForm(t, []int{4}, func(t *testing.T, form *testForm, mesh *mesh) {
		if form.name == "chain" {
			t.Skip("a liar in a chain loses all below it")
		}
		const liar = 2
		ctx := limit(t)
		for name, lie := range map[string]Packet{
			"operation": {Kind: KindReply, Op: 1000},
			"kind":      {Kind: KindRequest},
			"no kind":   {Kind: 77},
			"length":    {Kind: KindReply, Message: urpc.Message{Len: MaxPayload + 1}},
		} {
			m := newMesh(t, 5)
			g, _ := form.start(m, ctx, Sum, func(core int) Handler {
				return func(msg *urpc.Message) bool {
					if core == liar {
						line := lie.encode()
						above := must(m.dial(core)(0))
						if err := above.Send(ctx, &line); err != nil {
							t.Error(err)
						}
					}
					return square(core)(msg)
				}
			})
			msg := number(3)
			err := g.Do(ctx, &msg)
			var lost *LostError
			if !errors.As(err, &lost) || !slices.Equal(lost.Cores, []int{liar}) || !errors.Is(err, urpc.ErrCorrupt) {
				t.Fatalf("%s: %v", name, err)
			}
			if err := wantSum(&msg, 3, []int{1, 3, 4}); err != nil {
				t.Error(name, err)
			}
			msg = number(4)
			if err := g.Do(ctx, &msg); err != nil {
				t.Error(name, err)
			}
			m.bury(0)
			m.done.Wait()
		}
	})
}

// TestRefusals: messages no line can hold, groups without members, trees of others.
func TestRefusals(t *testing.T) {
	eachForm(t, []int{1}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := limit(t)
		long := false
		g, ends := form.start(mesh, ctx, Sum, func(int) Handler {
			return func(m *urpc.Message) bool {
				if m.Len = 0; long {
					m.Len = MaxPayload + 1
				}
				return false
			}
		})
		for m, want := range map[urpc.Message]error{
			{Len: MaxPayload + 1}:         ErrPayload,
			{Type: urpc.TypeReserved}:     urpc.ErrMessage,
			{Type: urpc.TypeReserved - 1}: nil,
		} {
			if err := g.Do(ctx, &m); err != want {
				t.Errorf("%v: %v, want %v", m, err, want)
			}
		}
		if err := g.Do(ctx, &urpc.Message{Len: MaxPayload}); err != nil {
			t.Error(err)
		}
		if long = true; g.Start(ctx, &urpc.Message{}) != nil {
			t.Fatal()
		}
		if err := <-ends[1]; err != ErrPayload {
			t.Errorf("a handler's answer of 49 bytes: %v", err)
		}
	})
	m := newMesh(t, 2)
	for _, members := range [][]int{nil, {1, 1}} {
		if _, err := NewUnicast(members, m.dial(0), Sum); !errors.Is(err, ErrMembers) {
			t.Error(err)
		}
	}
	for _, err := range []error{
		second(NewMulticast(m.tree(2), 1, m.dial(1), Sum)),
		second(NewMulticastMember(m.tree(2), 0, m.dial(0), Sum)),
		second(NewMulticastMember(m.tree(2), 5, m.dial(0), Sum)),
	} {
		if !errors.Is(err, ErrTree) {
			t.Error(err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestFolds: each of them, over the program's words only.
func TestFolds(t *testing.T) {
	for _, c := range []struct {
		fold Fold
		want uint64
	}{{Sum, 0b11000}, {Min, 0b1010}, {And, 0b1010}, {Or, 0b1110}} {
		a, b := number(0b1010), number(0b1110)
		a.Words[0], b.Words[5], b.Len = 0b1110, 0, 17
		b.Words[0] = 0b1010
		c.fold(&a, &b)
		if a.Words[0] != c.want || a.Words[6] != 99 || a.Len != 17 || a.Type != 7 {
			t.Errorf("%v, want %b", a, c.want)
		}
	}
}

// TestDoAllocations: an operation allocates nothing, on no core.
func TestDoAllocations(t *testing.T) {
	eachForm(t, []int{3}, func(t *testing.T, form *testForm, mesh *mesh) {
		ctx := context.Background()
		g, _ := form.start(mesh, ctx, Sum, square)
		var m urpc.Message
		do := func() {
			m = number(1)
			if err := g.Do(ctx, &m); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			do()
		}
		if n := testing.AllocsPerRun(1000, do); n != 0 {
			t.Errorf("%v allocations", n)
		}
		g.Close(ctx)
	})
}
