package integration

import (
	"context"
	"net"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"barreleye/vmm/gdb"
	"barreleye/vmm/multikernel"
)

// runGDB has gdb, by a connection of its own, execute commands on what a target has.
func runGDB(t *testing.T, target gdb.Target, elf string, commands ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = gdb.Serve(conn, target)
			conn.Close()
		}
		served <- err
	}()
	ctx, cancel := context.WithTimeout(context.Background(), hang())
	defer cancel()
	args := []string{"-nx", "-batch", "-ex", "set remotetimeout 30"}
	for _, c := range append([]string{"target remote " + l.Addr().String()}, commands...) {
		args = append(args, "-ex", "echo \\n== "+c+"\\n", "-ex", c)
	}
	out, err := exec.CommandContext(ctx, "gdb", append(args, elf)...).CombinedOutput()
	if err != nil {
		t.Errorf("gdb: %v", err)
		l.Close()
	}
	if err := <-served; err != nil {
		t.Errorf("serving gdb: %v", err)
	}
	return string(out)
}

// shows wants each pattern in gdb's output, in this order.
func shows(t *testing.T, out string, patterns ...string) {
	t.Helper()
	rest := out
	for _, p := range patterns {
		at := regexp.MustCompile(p).FindStringIndex(rest)
		if at == nil {
			t.Errorf("gdb's output lacks %s at its place:\n%s", p, out)
			return
		}
		rest = rest[at[1]:]
	}
}

// TestGDBDebugs has gdb stop two cores at breakpoints of the program, look around, step
// and go on, and the program end as if nothing had been.
func TestGDBDebugs(t *testing.T) {
	needGuests(t, "gdb -p debugs a process")
	elf, im := withSymbols(t, "probe")
	opt := options(t, im, 2, "debugged")
	opt.Watchdog = 2 * time.Second
	o := command(t, opt, "rounds begin", func(do func(multikernel.Command) multikernel.Reply) {
		r := do(multikernel.Command{Op: multikernel.OpDebug, Core: multikernel.AllCores})
		if r.Err != nil {
			t.Error(r.Err)
			return
		}
		out := runGDB(t, r.Debug, elf,
			"info threads",
			"break main.debugNext",
			"continue",
			"bt",
			"info registers rip eflags",
			"print main.debugRounds",
			"delete",
			"stepi",
			"x/i $pc",
			"finish",
			"next",
			"next",
			"stepi 300",
			"thread apply all print main.debugLeft = 1",
			"detach",
		)
		shows(t, out, `Thread 1 .*core 0`, `Thread 2 .*core 1`,
			`Breakpoint 1 at .*debugged\.go`,
			`== continue\n(?s:.*?)Thread [12] hit Breakpoint 1, main\.debugNext \(n=\d+`,
			`#0  main\.debugNext \(n=`, `#1 .* main\.debugRound \(n=`, `#2 .* main\.debugged \(`, `#3 .* main\.main \(`,
			`rip .*<main\.debugNext>`, `eflags .*\[.*IF.*\]`,
			`\$1 = \d+`,
			`=> 0x[0-9a-f]+ <main\.debugNext\+\d+>`,
			`main\.debugRound \(n=.*`, `\d+\s+(next := debugNext|in )`, // without the source, where there is none
			`\d+\s+(time\.Sleep|in )`, `\d+\s+(return next|in )`,
			`\$2 = true`, `\$3 = true`,
			`detached`)
	})
	o.wantOK()
}

// TestDebugRefused: what cannot be debugged is said, with the next step.
func TestDebugRefused(t *testing.T) {
	commanded(t, 2, "spin", "spinning", func(do func(multikernel.Command) multikernel.Reply) {
		debug := func(core int) multikernel.Reply {
			return do(multikernel.Command{Op: multikernel.OpDebug, Core: core})
		}
		if got := message(debug(2).Err); got != "debug: core 2: there is no such core: name one from 0 to 1, or all" {
			t.Errorf("core 2: %q", got)
		}
		if onHosted() {
			if got := message(debug(1).Err); !regexp.MustCompile(`^debug: core 1: the cores are Linux processes: gdb -p \d+ debugs core 1$`).MatchString(got) {
				t.Errorf("hosted: %q", got)
			}
		} else {
			held := debug(1)
			if got := message(debug(1).Err); got != "debug: core 1: it has a debugger already: ps shows how the cores are" {
				t.Errorf("twice: %q", got)
			}
			if got := do(multikernel.Command{Op: multikernel.OpStatus}).Status.Cores[1].State; got != "held" {
				t.Errorf("core 1 is %s, want held", got)
			}
			held.Debug.Detach()
			again := debug(multikernel.AllCores)
			if message(again.Err) != "" {
				t.Error(again.Err)
			} else {
				again.Debug.Detach()
			}
		}
		do(multikernel.Command{Op: multikernel.OpStop, Core: 1})
		if got := message(debug(1).Err); got != "debug: core 1: it does not live: ps shows how the cores are" {
			t.Errorf("a core that has ended: %q", got)
		}
		do(multikernel.Command{Op: multikernel.OpShutdown})
	})
}
