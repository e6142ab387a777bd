package integration

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barreleye/vmm/builtin"
	"barreleye/vmm/control"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"

	"golang.org/x/sys/unix"
)

// operated runs options with a control socket in the run's folder, and script once all
// cores have printed ready. Clients have a deadline, so that none hangs.
func operated(t *testing.T, opt *multikernel.Options, ready string, script func(client *control.Client)) *outcome {
	t.Helper()
	socket, err := operator.Listen(opt.Dir)
	if err != nil {
		t.Fatal(err)
	}
	opt.Commands = socket.Commands()
	if opt.Grace == 0 {
		opt.Grace = hang()
	}
	up, done := make([]string, opt.Cores), make(chan struct{})
	for i := range up {
		up[i] = ready
	}
	opt.Console = newWatcher(up, func() {
		go func() { // the console goes on
			defer close(done)
			client := dialRun(t, opt.Dir)
			if client != nil {
				defer client.Close()
				script(client)
			}
		}()
	})
	o := run(t, opt)
	socket.Over()
	socket.Close(o.ExitCode)
	<-done
	return o
}

func dialRun(t *testing.T, dir string) *control.Client {
	client, err := control.Dial(dir)
	if err != nil {
		t.Errorf("dial: %v", err)
		return nil
	}
	return client
}

// wantKind wants an error of some kind and text of a request.
func wantKind(t *testing.T, err error, kind control.Kind, text string) {
	t.Helper()
	var e *control.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Message, text) {
		t.Errorf("%v, want an error of kind %s with %q", err, kind, text)
	}
}

// states returns the cores' states, with their lives.
func states(t *testing.T, client *control.Client) string {
	t.Helper()
	var r multikernel.Report
	if err := client.Do(operator.Ps, nil, &r); err != nil {
		t.Error(err)
	}
	var list []string
	for _, c := range r.Cores {
		list = append(list, fmt.Sprintf("%d.%d %s", c.Core, c.Life, c.State))
	}
	return strings.Join(list, ", ")
}

// untilStates waits until the cores are in some states.
func untilStates(t *testing.T, client *control.Client, want string) {
	t.Helper()
	for deadline := time.Now().Add(hang()); ; {
		got := states(t, client)
		if got == want {
			return
		}
		if t.Failed() || time.Now().After(deadline) {
			t.Errorf("cores are %s, want %s", got, want)
			return
		}
	}
}

// imageOf writes a built-in image to a file and opens it.
func imageOf(t *testing.T, name string) *os.File {
	t.Helper()
	data, err := builtin.Image(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestControl: every request about a core does what it says, and what cannot be is
// refused with the next step, and harms nothing.
func TestControl(t *testing.T) {
	other := imageOf(t, "probe") // under another name
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	text, err := os.Open("control_test.go")
	if err != nil && !inLane() {
		t.Fatal(err)
	}
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "drain")
	opt.Room = 3
	o := operated(t, opt, "ready", func(client *control.Client) {
		want := func(states_ string) {
			t.Helper()
			if got := states(t, client); got != states_ {
				t.Errorf("cores are %s, want %s", got, states_)
			}
		}
		do := func(name string, args any, core int, life uint64, files ...*os.File) {
			t.Helper()
			var got operator.Core
			if err := client.Do(name, args, &got, files...); err != nil || got != (operator.Core{Core: core, Life: life}) {
				t.Errorf("%s %+v: %+v, %v; want core %d, life %d", name, args, got, err, core, life)
			}
		}
		want("0.1 running, 1.1 running")
		do(operator.Add, nil, 2, 1)
		want("0.1 running, 1.1 running, 2.1 running")
		wantKind(t, client.Do(operator.Add, nil, nil), control.KindRefused, "there is room for no more cores: start the run with --max-cores above 3")
		do(operator.Park, operator.PauseArgs{Core: 1}, 1, 1)
		want("0.1 running, 1.1 parked, 2.1 running")
		do(operator.Resume, operator.PauseArgs{Core: 1}, 1, 1)
		var dumped operator.Dumped
		if err := client.Do(operator.Dump, operator.DumpArgs{Core: 1}, &dumped); err != nil || dumped.Core != 1 || dumped.Life != 1 {
			t.Errorf("dump: %+v, %v", dumped, err)
		} else {
			wantCoreFile(t, filepath.Join(opt.Dir, dumped.File))
		}
		do(operator.Restart, operator.EndArgs{Core: 1}, 1, 2)
		do(operator.Restart, operator.EndArgs{Core: 1, Ending: operator.Ending{Now: true}}, 1, 3)
		do(operator.Stop, operator.EndArgs{Core: 2, Ending: operator.Ending{GraceMS: hang().Milliseconds()}}, 2, 1)
		want("0.1 running, 1.3 running, 2.1 exited")
		for _, name := range []string{operator.Stop, operator.Kill} { // a dead core
			wantKind(t, client.Do(name, operator.EndArgs{Core: 2}, nil), control.KindRefused, "core 2: it does not live: ps shows how the cores are")
		}
		for _, name := range []string{operator.Park, operator.Resume} {
			wantKind(t, client.Do(name, operator.PauseArgs{Core: 2}, nil), control.KindRefused, "core 2: ")
		}
		for _, core := range []int{-1, 3, 1 << 40} { // and unknown ones
			wantKind(t, client.Do(operator.Stop, operator.EndArgs{Core: core}, nil), control.KindRefused, "there is no such core: name one from 0 to 2")
			wantKind(t, client.Do(operator.Update, operator.UpdateArgs{Core: core, Image: "other"}, nil, other), control.KindRefused, "there is no such core")
		}
		wantKind(t, client.Do(operator.Stop, operator.EndArgs{Ending: operator.Ending{GraceMS: -1}}, nil), control.KindUsage, "-1 ms of grace")
		wantKind(t, client.Do("dance", nil, nil), control.KindUsage, `there is no request "dance"`)
		wantKind(t, client.Do(operator.Stop, "all", nil), control.KindUsage, "arguments")

		update := operator.UpdateArgs{Core: 1, Image: "other"}
		wantKind(t, client.Do(operator.Update, update, nil), control.KindUsage, "send that of the image")
		wantKind(t, client.Do(operator.Update, operator.UpdateArgs{Core: 1}, nil, other), control.KindUsage, "an image's name")
		for _, bad := range []*os.File{folder, null} {
			wantKind(t, client.Do(operator.Update, update, nil, bad), control.KindImage, "want a regular file")
		}
		if text != nil {
			wantKind(t, client.Do(operator.Update, update, nil, text), control.KindImage, "not an ELF executable")
		}
		want("0.1 running, 1.3 running, 2.1 exited")
		do(operator.Update, update, 1, 4, other)
		do(operator.Add, operator.AddArgs{Image: "other"}, 2, 2, other)
		do(operator.Kill, operator.EndArgs{Core: 2}, 2, 2)
		want("0.1 running, 1.4 running, 2.2 crashed")

		var end operator.End
		if err := client.Do(operator.Shutdown, operator.Ending{}, &end); err != nil || end.ExitCode != multikernel.CodeCrash {
			t.Errorf("shutdown: %+v, %v", end, err)
		}
	})
	if o.Cores[1].Image != "other" || o.Cores[1].Life != 4 || o.Cores[2].Image != "other" || o.Cores[0].Image != "probe" {
		t.Errorf("core 1 ended in life %d of %s", o.Cores[1].Life, o.Cores[1].Image)
	}
}

// TestControlStatus: ps tells what cores use.
func TestControlStatus(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "lopsided")
	socket, err := operator.Listen(opt.Dir)
	if err != nil {
		t.Fatal(err)
	}
	opt.Commands, opt.Grace = socket.Commands(), hang()
	done := make(chan struct{})
	opt.Console = newWatcher([]string{"spinning", "sleeping"}, func() {
		go func() {
			defer close(done)
			client := dialRun(t, opt.Dir)
			ps := func() (r multikernel.Report) {
				if err := client.Do(operator.Ps, nil, &r); err != nil {
					t.Error(err)
				}
				return r
			}
			first := ps()
			for deadline := time.Now().Add(hang()); ; {
				r := ps()
				if len(r.Cores) != 2 || r.UpMS <= first.UpMS {
					t.Errorf("%d cores, up for %v ms, was %v", len(r.Cores), r.UpMS, first.UpMS)
				}
				if c := r.Cores[0]; c.CPUNS > first.Cores[0].CPUNS && (onHosted() || c.Ticks > first.Cores[0].Ticks) {
					break
				}
				if time.Now().After(deadline) {
					t.Errorf("core 0, which computes, has %d ns and %d ticks, as before", r.Cores[0].CPUNS, r.Cores[0].Ticks)
					break
				}
			}
			if r := ps(); r.Cores[0].Collections == 0 || r.Cores[0].PauseNS == 0 {
				t.Errorf("core 0, which has collected: %d collections, which stopped it for %d ns", r.Cores[0].Collections, r.Cores[0].PauseNS)
			}
			asleep := ps()
			for deadline := time.Now().Add(hang()); asleep.Cores[1].Power != "halt" && time.Now().Before(deadline); {
				asleep = ps() // after the question it may still poll
			}
			if c := asleep.Cores[1]; c.Power != "halt" || c.Sent == 0 || c.FramesUsed == 0 {
				t.Errorf("core 1, which sleeps: %+v", c)
			}
			// it never looks for the signal
			if err := client.Do(operator.Shutdown, operator.Ending{Now: true}, nil); err != nil {
				t.Error(err)
			}
		}()
	})
	o := run(t, opt)
	socket.Over()
	socket.Close(o.ExitCode)
	<-done
}

// TestControlGarbage: what clients send that is no request, and clients that hang up,
// harm neither the run nor the others.
func TestControlGarbage(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "drain")
	o := operated(t, opt, "ready", func(client *control.Client) {
		for _, line := range []string{
			"", "\n", "\x00\xff\n", "GET / HTTP/1.0\r\n\r\n", `{"do":"ps"`, `{"do":"ps"}`, "{\"do\":\"ps\"}\n", "{\"do\":\"restart\",\"args\":{\"core\":1}}\n",
			"{\"do\":\"update\",\"args\":{\"core\":1},\"files\":1}\n", strings.Repeat("x", 1<<18),
		} {
			conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(opt.Dir, control.Socket), Net: "unix"})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := conn.Read(make([]byte, 100)); err != nil { // who has not been greeted is not heard
				t.Error(err)
			}
			_, _ = io.WriteString(conn, line) // a server that has had enough hangs up
			conn.Close()
		}
		// the restart that nobody waits for any more
		untilStates(t, client, "0.1 running, 1.2 running")
		if err := client.Do(operator.Shutdown, operator.Ending{}, nil); err != nil {
			t.Error(err)
		}
	})
	if o.ExitCode != 0 {
		t.Errorf("exit code %d", o.ExitCode)
	}
}

// TestControlClients: several clients at once are each answered, while cores are
// restarted all the time.
func TestControlClients(t *testing.T) {
	const rounds = 5
	opt := options(t, load(t, "probe", image.LoadOptions{}), 3, "drain")
	operated(t, opt, "ready", func(client *control.Client) {
		var working sync.WaitGroup
		for core := range 3 {
			working.Go(func() {
				client := dialRun(t, opt.Dir)
				defer client.Close()
				for i := range rounds {
					var got operator.Core
					err := client.Do(operator.Restart, operator.EndArgs{Core: core, Ending: operator.Ending{Now: i%2 == 0}}, &got)
					if err != nil || got != (operator.Core{Core: core, Life: uint64(i + 2)}) {
						t.Errorf("restart %d of core %d: %+v, %v", i, core, got, err)
					}
				}
			})
		}
		for range 2 {
			working.Go(func() {
				client := dialRun(t, opt.Dir)
				defer client.Close()
				for range rounds {
					if got := strings.Count(states(t, client), ","); got != 2 {
						t.Errorf("%d cores in the table", got+1)
					}
				}
			})
		}
		working.Wait()
		if got, want := states(t, client), "0.6 running, 1.6 running, 2.6 running"; got != want {
			t.Errorf("cores are %s, want %s", got, want)
		}
		if err := client.Do(operator.Shutdown, operator.Ending{}, nil); err != nil {
			t.Error(err)
		}
	})
}

// TestControlEnd: a run that ends while it is asked for something answers, and then
// lets its clients go.
func TestControlEnd(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "stubborn")
	opt.Grace = time.Hour
	kick := make(chan multikernel.Reason, 2)
	opt.Kick = kick
	timer := time.AfterFunc(hang(), func() { kick <- multikernel.Reason{Text: "hung", Code: codeHung} })
	defer timer.Stop()
	o := operated(t, opt, "ready", func(client *control.Client) {
		// nobody ends by itself: all of these wait
		var waiting sync.WaitGroup
		asked := []struct {
			name string
			args any
			want string // "": it is answered
		}{
			{operator.Stop, operator.EndArgs{Core: 0}, ""},
			{operator.Restart, operator.EndArgs{Core: 1}, "restart: "},
		}
		for _, a := range asked {
			waiting.Go(func() {
				client := dialRun(t, opt.Dir)
				defer client.Close()
				switch err := client.Do(a.name, a.args, nil); {
				case a.want == "" && err != nil:
					t.Errorf("%s: %v", a.name, err)
				case a.want != "":
					wantKind(t, err, control.KindRefused, a.want)
				}
			})
		}
		untilStates(t, client, "0.1 stopping, 1.1 stopping")
		kick <- multikernel.Reason{Text: "the test", Code: 3}
		waiting.Wait()
		err := client.Do(operator.Ps, nil, nil)
		wantKind(t, err, control.KindEnded, "")
	})
	if o.ExitCode != 3 {
		t.Errorf("exit code %d", o.ExitCode)
	}
	if _, err := os.Lstat(filepath.Join(opt.Dir, control.Socket)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("the socket is left: %v", err)
	}
}
