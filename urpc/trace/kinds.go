package trace

// Kind says what happened, and so what a record's arguments are. Kinds are below
// 64, so that a word can hold a set of them.
type Kind uint8

// Kinds of the CPU driver. In a process (hosted platform) there are Idle, Busy,
// Halt, Wake and Bell, the others are Linux's.
const (
	Syscall     Kind = 1 + iota // number, thread
	Exception                   // vector, RIP
	Tick                        // 0, thread that ran
	Doorbell                    // 0, thread that ran
	Idle                        // nothing runs: polling begins. Deadline in ns or all ones, 0
	Busy                        // polling found something. 0, 0
	Halt                        // the core halts. Timer count, generation of its asleep word
	Wake                        // it goes on. Events, 0
	Switch                      // thread that runs now, thread that ran
	Signal                      // signal, thread
	Bell                        // a doorbell is rung. Core, 0
	ThreadStart                 // thread, thread that made it
	ThreadEnd                   // thread, 0
	Crash                       // vector, RIP
)

// Kinds of urpc. A ring, bulk ring or call line is named by its address, which is
// the same in all cores; first and count are lines, and for calls the line's
// sequence and 1. So a send and its receive name the same line.
const (
	Send   Kind = 16 + iota // address | count<<48, first line
	Recv                    // address | count<<48, first line
	Stall                   // address, line for which there is no room
	Park                    // a goroutine sleeps. Address of the word, its value
	Unpark                  // it goes on. Address of the word, 0
)

// Kinds of the monitor and of the collector.
const (
	Hello   Kind = 24 + iota // peer, life
	Bind                     // what (BindOpen and so on) | peer<<8, channel's slot
	Member                   // core, 0: its channel has ended
	Mark                     // the collector marks (1) or no longer does (0), 0
	Collect                  // a collection is over. Its number, pauses in ns
	Agree                    // a step of an operation that cores agree on (AgreeBegin and so on) | coordinator<<8 | its first byte<<24, its sequence
)

// What an Agree record tells of: the coordinator asks whether it may take effect, or says
// that it does, if there is only one phase; a core answers; the coordinator says what it
// decided; a core has done so; the coordinator's program hears of it. Where there is nobody
// to ask, the coordinator has decided alone.
const (
	AgreeBegin = iota
	AgreeApply
	AgreeVote
	AgreeDecide
	AgreeDone
	AgreeEnd
	AgreeRefused // the end of one that was
	AgreeAlone
)

// What a Bind record tells of: this core's entry for a channel was written or
// changed, or taken out.
const (
	BindOpen = iota
	BindClose
)

// Kinds of programs (guest.Trace). Names are places in the core's Names.
const (
	SpanBegin Kind = 32 + iota // name, TSC of the begin
	SpanEnd                    // name, TSC of the begin
	Instant                    // name, value
	Counter                    // name, value
)

// Kinds of the VMM, in a ring of its own.
const (
	Exit Kind = 40 + iota // a vCPU left for the VMM. Core, KVM's reason
	Life                  // core | life<<8, what (LifeBegins and so on)
)

// What a Life record tells of.
const (
	LifeBegins = iota
	LifeEnds
	LifeParked
	LifeResumed
)

// Set is a set of kinds, a bit each.
type Set uint64

// SetOf returns the set of the given kinds.
func SetOf(kinds ...Kind) (s Set) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Groups of kinds, as `barreleye run --trace-events` knows them.
const (
	DriverKinds  Set = 0xffff &^ 1
	MessageKinds Set = 0xff << 16
	MonitorKinds Set = 0xff << 24
	UserKinds    Set = 0xff << 32
	VMMKinds     Set = 0xff << 40
	AllKinds         = DriverKinds | MessageKinds | MonitorKinds | UserKinds | VMMKinds
)

// kindNames are Kind.String.
var kindNames = [64]string{
	Syscall: "syscall", Exception: "exception", Tick: "tick", Doorbell: "doorbell", Idle: "idle", Busy: "busy", Halt: "halt", Wake: "wake",
	Switch: "switch", Signal: "signal", Bell: "bell", ThreadStart: "thread start", ThreadEnd: "thread end", Crash: "crash",
	Send: "send", Recv: "receive", Stall: "stall", Park: "park", Unpark: "unpark",
	Hello: "hello", Bind: "bind", Member: "member", Mark: "mark", Collect: "collect", Agree: "agree",
	SpanBegin: "begin", SpanEnd: "end", Instant: "instant", Counter: "counter",
	Exit: "exit", Life: "life",
}

// String is the kind's name, "" where there is none.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}
