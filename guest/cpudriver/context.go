package cpudriver

// maxContexts bounds the threads (Go Ms) of one core.
const maxContexts = 256

// vectorSize holds the XSAVE components up to AVX-512 in standard format
// (2,688 bytes) and leaves room to align the area.
const vectorSize = 2752

// xsaveMask selects x87, SSE, AVX and AVX-512; other components are not used
// by Go code.
const xsaveMask = 0xe7

// context is one thread of the program: its registers while it does not run,
// and what the driver keeps about it. The words rip..ss form the frame that
// IRETQ takes when the context is resumed. Only the driver writes it.
type context struct {
	rax, rbx, rcx, rdx, rsi, rdi, rbp uint64
	r8, r9, r10, r11                  uint64
	r12, r13, r14, r15                uint64
	rip, cs, rflags, rsp, ss          uint64

	fs     uint64 // FS base
	full   uint64 // 1: interrupted, all registers count; 0: at a system call
	vector uint64 // address of the 64-byte aligned XSAVE area

	state    uint64
	tid      uint64
	call     uint64 // system call number, while blocked in one
	deadline uint64 // monotonic ns, or forever
	wait     uint64 // futex address, or descriptor, by state
	progress uint64 // bytes already moved by a read or write that goes on; in inSend: its number

	altStack, altSize uint64 // signal stack
	mask              uint64 // blocked signals, bit n-1 for signal n
	signals           uint64 // pending signals, likewise
	clearTID          uint64 // address to clear at exit

	stopped    uint64 // 1: the runtime preempted it since it last waited
	account    uint64 // the share that pays for what it runs
	dispatcher uint64 // the slot of the dispatcher whose context it is, 0 for none
	partner    uint64 // 1 + index of the caller that it serves, 0 for none

	area [vectorSize + 64]byte
}

// States of a context.
const (
	free      = iota // slot unused
	runnable         // may run, result in rax
	again            // may run by issuing its system call once more
	inFutex          // waits on the futex at wait
	asleep           // waits for its deadline
	inPoll           // waits in epoll for events of descriptor wait
	onFile           // waits for descriptor wait to become ready, then issues its call again
	onLog            // waits for the log tail to move from wait, then issues its call again
	onInput          // waits for standard input to arrive, then issues its call again
	onLate           // waits for a watch to be late, then issues its call again
	onReceive        // a dispatcher's: waits for an upcall
	inSend           // waits for dispatcher wait to receive
	inCall           // waits for the answer of dispatcher wait
)

// forever is the deadline of a wait without one.
const forever = ^uint64(0)

var (
	contexts    [maxContexts]context
	contextsTop int     // one past the highest slot ever used
	nextTID     uint64  // last thread id given out
	driverFault context // registers of a fault inside the driver
)

// prepare makes the slot's vector area and frame selectors valid.
func (c *context) prepare() {
	c.vector = (addressOf(&c.area[0]) + 63) &^ 63
	c.cs, c.ss = userCS, userSS
}

// clone copies what a new thread inherits from its parent.
func (c *context) clone(parent *context) {
	vector := c.vector
	*c = context{
		rbx: parent.rbx, rdx: parent.rdx, rsi: parent.rsi, rdi: parent.rdi, rbp: parent.rbp,
		r8: parent.r8, r9: parent.r9, r10: parent.r10,
		r12: parent.r12, r13: parent.r13, r14: parent.r14, r15: parent.r15,
		rip: parent.rip, cs: userCS, ss: userSS, fs: parent.fs, mask: parent.mask,
		vector: vector, deadline: forever,
	}
}

// running returns the context whose event is being served.
func running() *context { return contextAt(current) }

// freeContext returns an unused slot, or nil.
func freeContext() *context {
	for i := range contexts {
		c := &contexts[i]
		if c.state != free {
			continue
		}
		if i >= contextsTop {
			contextsTop = i + 1
		}
		if c.vector == 0 {
			c.prepare()
		}
		return c
	}
	return nil
}
