// Crash shows how each way of going wrong ends: what the log says, what the
// core's exit code is, and that the other cores do not notice. One core (-core)
// does what the argument says; the others go on exchanging messages for a
// moment and end with code 0.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"barreleye/guest"
	"barreleye/urpc"
)

// form is one way to go wrong. do returns only if it did not.
type form struct {
	name, what string
	do         func(args []string) error
}

var forms = []form{
	{"nil", "dereference nil; the runtime ends the program with code 2", dereferenceNil},
	{"recover", "dereference nil, recover from the panic, exit with code 0", recoverNil},
	{"index", "index out of range, not recovered: code 2", indexOutOfRange},
	{"divide", "divide by zero by the hardware, not recovered: code 2", divideByZero},
	{"panic", "panic in a goroutine: code 2", panicGoroutine},
	{"overflow", "endless recursion: stack overflow, code 2", overflow},
	{"oom", "allocate until memory is exhausted: code 2", exhaust},
	{"unmapped", "read an address where nothing is mapped: code 2", readUnmapped},
	{"jump", "jump to an address where nothing is mapped: code 2", jumpUnmapped},
	{"text", "write to the program's text: code 2", writeText},
	{"ud2", "execute an undefined instruction: code 2", undefined},
	{"hlt", "execute a privileged instruction: code 2", privileged},
	{"driver", "pass the CPU driver a bad address: the core crashes, code 70", faultDriver},
	{"stuck", "spin on the CPU driver's stack, where it takes no events: the watchdog ends the core, code 70", stick},
	{"triple", "take away the CPU driver's own memory: triple fault, code 70", tripleFault},
	{"device", "write to a device register that is none: the core crashes, code 70", writeDevice},
	{"kill", "the core kills itself by SIGKILL, where it is a process: code 70", killSelf},
	{"pages", "pages read|write|released|granted: use a page after that; with --debug pages code 2", usePages},
	{"foreign", "foreign write|add|copy|read|end: use memory of the shared region that is another core's: the core crashes, code 70", useForeign},
	{"exit", "exit N: exit with code N", exit},
	{"detect", "detect driver|exit|kill: all cores but core 0 end so, and it measures when it knows", nil},
	{"draw", "all cores print random numbers: code 0", nil},
	{"deadlock", "every core waits for a message that never comes: code 72", nil},
}

func main() {
	core := flag.Int("core", 0, "the core that does it")
	flag.Usage = usage
	flag.Parse()
	if flag.Arg(0) == "list" {
		if guest.Core() == 0 {
			list(os.Stdout)
		}
		return
	}
	f := find(flag.Arg(0))
	if f == nil || *core < 0 || *core >= guest.Cores() {
		complain(*core)
		os.Exit(64)
	}
	if err := run(f, *core, flag.Args()[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "crash: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func usage() {
	if guest.Core() != 0 {
		return
	}
	fmt.Fprint(os.Stderr, "usage: crash [-core N] FORM\n\nforms:\n")
	list(os.Stderr)
}

// complain says what is wrong with the command line, and what is possible.
func complain(core int) {
	if guest.Core() != 0 {
		return
	}
	switch {
	case flag.NArg() == 0:
	case find(flag.Arg(0)) == nil:
		fmt.Fprintf(os.Stderr, "crash: unknown form %q\n", flag.Arg(0))
	default:
		fmt.Fprintf(os.Stderr, "crash: no core %d: there are 0 to %d\n", core, guest.Cores()-1)
	}
	usage()
}

// list writes all forms.
func list(w io.Writer) {
	for _, f := range forms {
		fmt.Fprintf(w, "  %-9s %s\n", f.name, f.what)
	}
	fmt.Fprintf(w, "  %-9s %s\n", "list", "print this list: code 0")
}

func find(name string) *form {
	for i := range forms {
		if forms[i].name == name {
			return &forms[i]
		}
	}
	return nil
}

func run(f *form, core int, args []string) error {
	ctx := context.Background()
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	switch f.name {
	case "deadlock":
		return waitForNobody(ctx)
	case "draw":
		return draw()
	case "detect":
		return detect(args)
	}
	if guest.Core() != core {
		return carryOn(ctx, core)
	}
	fmt.Printf("core %d: %s\n", core, f.what)
	if err := f.do(args); err != nil {
		return err
	}
	return fmt.Errorf("%s did not happen", f.name)
}

// waitForNobody waits for a message of the next core, which sends none.
func waitForNobody(ctx context.Context) error {
	if guest.Cores() == 1 {
		var word uint64
		return guest.Sleeper().Sleep(ctx, &word, 0)
	}
	ch, err := guest.Channel((guest.Core() + 1) % guest.Cores())
	if err != nil {
		return err
	}
	var m urpc.Message
	return ch.Recv(ctx, &m)
}

const (
	rounds = 200 // messages that every two survivors exchange
	pause  = time.Millisecond
)

// carryOn exchanges messages with every core but the broken one.
func carryOn(ctx context.Context, broken int) error {
	var peers []*urpc.Conn
	for peer := range guest.Cores() {
		if peer == guest.Core() || peer == broken {
			continue
		}
		ch, err := guest.Channel(peer)
		if err != nil {
			return err
		}
		peers = append(peers, ch)
	}
	for i := range uint64(rounds) {
		for _, ch := range peers {
			m := urpc.Message{Len: 8, Words: [urpc.WordCount]uint64{i}}
			if err := ch.Send(ctx, &m); err != nil {
				return err
			}
		}
		for _, ch := range peers {
			var m urpc.Message
			if err := ch.Recv(ctx, &m); err != nil {
				return err
			}
			if m.Words[0] != i {
				return fmt.Errorf("message %d came, %d expected", m.Words[0], i)
			}
		}
		time.Sleep(pause)
	}
	if len(peers) == 0 {
		fmt.Printf("core %d: unharmed, with nobody left to talk to\n", guest.Core())
		return nil
	}
	fmt.Printf("core %d: unharmed: %d messages from each of %d others\n", guest.Core(), rounds, len(peers))
	return nil
}
