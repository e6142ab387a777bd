package operator

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"barreleye/vmm/control"
	"barreleye/vmm/gdb"
	"barreleye/vmm/multikernel"
)

// hang is how long anything may take before it counts as hung.
const hang = time.Minute

// begin makes an operator whose commands run takes, until the test is over.
func begin(t testing.TB, run func(multikernel.Command)) *Operator {
	t.Helper()
	o, err := Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	go func() {
		for {
			select {
			case cmd := <-o.Commands():
				run(cmd)
			case <-over:
				return
			}
		}
	}()
	return o
}

// ask asks by name, and fails the test where no answer comes.
func ask(t testing.TB, o *Operator, name, args string) (answer any, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err = o.answer(context.Background(), &control.Request{Do: name, Args: []byte(args)})
	}()
	select {
	case <-done:
	case <-time.After(hang):
		t.Fatalf("%s %s: no answer", name, args)
	}
	return answer, err
}

// TestCommands: what the run gets of each request.
func TestCommands(t *testing.T) {
	got := make(chan multikernel.Command, 1)
	o := begin(t, func(cmd multikernel.Command) {
		got <- cmd
		cmd.Reply <- multikernel.Reply{Core: cmd.Core, Life: 7}
	})
	for _, c := range []struct {
		name, args string
		want       multikernel.Command
	}{
		{Ps, "", multikernel.Command{Op: multikernel.OpStatus}},
		{Add, "{}", multikernel.Command{Op: multikernel.OpAdd}},
		{Stop, `{"core":2}`, multikernel.Command{Op: multikernel.OpStop, Core: 2, Drain: true}},
		{Stop, `{"core":2,"grace_ms":1500}`, multikernel.Command{Op: multikernel.OpStop, Core: 2, Drain: true, Grace: 1500 * time.Millisecond}},
		{Restart, `{"core":1,"now":true}`, multikernel.Command{Op: multikernel.OpRestart, Core: 1}},
		{Kill, `{"core":3}`, multikernel.Command{Op: multikernel.OpKill, Core: 3, Drain: true}},
		{Park, `{"core":3}`, multikernel.Command{Op: multikernel.OpPark, Core: 3}},
		{Resume, `{"core":3}`, multikernel.Command{Op: multikernel.OpResume, Core: 3}},
		{Dump, `{"core":4}`, multikernel.Command{Op: multikernel.OpDump, Core: 4}},
	} {
		answer, err := ask(t, o, c.name, c.args)
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.args, err)
			continue
		}
		cmd := <-got
		if cmd.Op != c.want.Op || cmd.Core != c.want.Core || cmd.Drain != c.want.Drain || cmd.Grace != c.want.Grace || cmd.Image != nil {
			t.Errorf("%s %s: the run got %+v, want %+v", c.name, c.args, cmd, c.want)
		}
		if core, ok := answer.(Core); ok && core != (Core{cmd.Core, 7}) {
			t.Errorf("%s %s: %+v", c.name, c.args, core)
		}
	}
}

// TestRefused: what the run refuses is so refused, and what is no request never gets
// there.
func TestRefused(t *testing.T) {
	full := errors.New("add: there is no room: make some")
	o := begin(t, func(cmd multikernel.Command) { cmd.Reply <- multikernel.Reply{Err: full} })
	if _, err := ask(t, o, Add, ""); err != full {
		t.Errorf("%v, want %v", err, full)
	}
	for _, c := range [][2]string{
		{"dance", ""}, {"", ""}, {Stop, "[]"}, {Stop, `{"core":"1"}`}, {Stop, `{"cores":1}`}, {Park, `{"core":1,"now":true}`}, {Stop, `{"core":1e99}`},
		{Stop, `{"grace_ms":-1}`}, {Shutdown, `{"grace_ms":9223372036854775807}`}, {Update, `{"core":1,"image":"x"}`}, {Add, `{"core":1}`},
	} {
		var e *control.Error
		if _, err := ask(t, o, c[0], c[1]); !errors.As(err, &e) || e.Kind != control.KindUsage {
			t.Errorf("%s %s: %v, want an error of the request", c[0], c[1], err)
		}
	}
}

// TestOver: a run that is over is waited for by nobody, whether it took the command or
// not, and its last word is heard.
func TestOver(t *testing.T) {
	o := begin(t, func(multikernel.Command) {})
	taken := make(chan error, 1)
	go func() {
		_, err := o.do(multikernel.Command{Op: multikernel.OpStop})
		taken <- err
	}()
	o.Over()
	var e *control.Error
	if err := <-taken; !errors.As(err, &e) || e.Kind != control.KindEnded {
		t.Errorf("a command under way: %v", err)
	}
	if _, err := ask(t, o, Ps, ""); !errors.As(err, &e) || e.Kind != control.KindEnded {
		t.Errorf("a command after the end: %v", err)
	}
	o.Close(0)

	waits := begin(t, func(cmd multikernel.Command) { cmd.Reply <- multikernel.Reply{Err: multikernel.ErrEnded} })
	if _, err := ask(t, waits, Ps, ""); !errors.As(err, &e) || e.Kind != control.KindEnded {
		t.Errorf("a command while the console of a run that has ended shows what is left: %v", err)
	}

	o = begin(t, func(cmd multikernel.Command) {
		cmd.Reply <- multikernel.Reply{Core: 5}
		o.Over()
	})
	if got, err := ask(t, o, Park, `{"core":5}`); err != nil || got != (Core{Core: 5}) {
		t.Errorf("the last word is %v, %v", got, err)
	}
	o.Close(0)
}

// TestShutdown: it is answered once the end is written down, with how it was.
func TestShutdown(t *testing.T) {
	var o *Operator
	o = begin(t, func(cmd multikernel.Command) {
		cmd.Reply <- multikernel.Reply{}
		o.Over()
		o.Close(3)
	})
	if got, err := ask(t, o, Shutdown, ""); err != nil || got != (End{3}) {
		t.Errorf("%v, %v", got, err)
	}
}

// standing is a debugger's target of which nobody asks more than this.
type standing struct{ gdb.Target }

func (standing) Cores() []int { return []int{1} }

// FuzzAnswer: whatever is asked, with whatever arguments, there is an answer that can be
// sent, or an error with a next step.
func FuzzAnswer(f *testing.F) {
	names := append(slices.Sorted(maps.Keys(requests)), "dance")
	names = slices.DeleteFunc(names, func(name string) bool { return name == Shutdown }) // which waits for the end
	for i := range names {
		f.Add(uint(i), []byte(`{"core":1,"image":"x","now":true,"grace_ms":1}`))
		f.Add(uint(i), []byte(`{"core":1}`))
	}
	o := begin(f, func(cmd multikernel.Command) {
		if cmd.Core < 0 || cmd.Core > 3 {
			cmd.Reply <- multikernel.Reply{Err: errors.New("there is no such core: name another")}
			return
		}
		cmd.Reply <- multikernel.Reply{Core: cmd.Core, Life: 1, Status: &multikernel.Report{}, Debug: standing{}}
	})
	f.Fuzz(func(t *testing.T, which uint, args []byte) {
		answer, err := ask(t, o, names[which%uint(len(names))], string(args))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		if stream, ok := answer.(control.Stream); ok {
			answer = stream.Answer
		}
		if _, err := json.Marshal(answer); err != nil {
			t.Errorf("%v cannot be sent: %v", answer, err)
		}
	})
}
