package multikernel

import (
	"fmt"
	"time"

	"barreleye/urpc/trace"
	"barreleye/vmm/gdb"
	"barreleye/vmm/image"
)

// Op is what a Command asks for.
type Op int

// What can be asked of a run. Those about one core name it in Command.Core.
const (
	OpStatus   Op = iota // tell how the run and all of its cores are
	OpAdd                // start one more core
	OpStop               // end a core's life for good
	OpPark               // take a core off its CPU and keep its memory
	OpResume             // let a parked core go on
	OpRestart            // end a core's life and begin its next one
	OpUpdate             // the same, with another image
	OpKill               // end a core's life as a crash does
	OpStacks             // tell what a core's goroutines do
	OpProfile            // take a profile of a core's program
	OpMonitor            // tell what a core's monitor holds
	OpCaps               // tell which capabilities a core has
	OpDump               // write a core file of a core that lives
	OpDebug              // stop a core, or with Core -1 all, for the debugger that takes Reply.Debug
	OpTrace              // trace all cores for a while, into the run's folder (package timeline)
	OpShutdown           // end the run
)

// String names the operation as the command line does.
func (o Op) String() string {
	return [...]string{"status", "add", "stop", "park", "resume", "restart", "update", "kill", "stacks", "pprof", "monitor", "caps", "dump", "debug", "trace", "shutdown"}[o]
}

// Command asks a run for something (Options.Commands). A run that has ended takes no
// commands: who sends one must not wait for ever.
type Command struct {
	Op    Op
	Core  int
	Image *image.Image // OpUpdate: what the core runs from now on; OpAdd: nil for the run's own
	// Drain has a program that OpStop, OpRestart, OpUpdate or OpShutdown ends told
	// first, and given Grace for what it has under way.
	Drain bool
	Grace time.Duration // 0 for Options.Grace
	// Profile is the one that OpProfile takes (requests.Profiles), Duration for how long
	// it samples where it is that of the CPU, and for how long OpTrace traces.
	Profile  string
	Duration time.Duration
	Kinds    trace.Set // OpTrace: what is noted, 0 for everything
	// Reason is what the log and the exit code say of OpShutdown; its zero leaves the
	// code to the cores. Without Drain its signal goes to nobody.
	Reason Reason
	Reply  chan<- Reply // gets one answer; it must have room for it. nil: nobody asks
}

// Reply answers a Command once what it asked for is so, or cannot be.
type Reply struct {
	Core   int
	Life   uint64     // of the core, 1 for its first; 0 where the command is about none
	Status *Report    // OpStatus
	Data   []byte     // OpStacks: text; OpProfile: what go tool pprof reads; OpMonitor and OpCaps: package report reads it
	File   string     // OpDump: the core file
	Debug  gdb.Target // OpDebug: stands until it is told otherwise; its Detach has to be called
	Err    error
}

// answer sends the reply to a command.
func (cmd *Command) answer(r Reply) {
	if cmd.Reply != nil {
		cmd.Reply <- r
	}
}

// refuse answers that the command cannot be obeyed. next is the next step.
func (cmd *Command) refuse(cause error, next string) {
	what := cmd.Op.String()
	if cmd.Op > OpAdd && cmd.Op < OpTrace && (cmd.Op != OpDebug || cmd.Core != AllCores) {
		what = fmt.Sprintf("%s: core %d", cmd.Op, cmd.Core)
	}
	cmd.answer(Reply{Core: cmd.Core, Err: fmt.Errorf("%s: %w: %s", what, cause, next)})
}
