package dispatcher

import (
	"math"
	"sync"
	"syscall"
)

// Shares on Linux: its scheduler gives a thread time by its nice value, a quarter
// more per step, and raising it needs no privilege. The largest share has what the
// process began with, as the runtime's own threads have, and the others as much more as
// says how much smaller they are. Priorities are not kept.

// maxNice is the least that Linux gives.
const maxNice = 19

// niceOf returns the nice value for a share where the largest one is top, and that has
// the nice value base.
func niceOf(share, top, base int) int {
	return min(maxNice, base+int(math.Round(math.Log(float64(top)/float64(share))/math.Log(1.25))))
}

// ownNice is the nice value that the process began with.
var ownNice = sync.OnceValue(func() int {
	const zero = 20 // what the system call gives for nice 0: it gives no negative numbers
	n, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Getpid())
	if err != nil {
		return 0
	}
	return zero - n
})

// niceValues keeps the shares of threads.
type niceValues struct {
	sync.Mutex
	shares map[int]int // by thread
	top    int         // the largest there ever was: lowering a nice value needs a privilege
}

var niceness = niceValues{shares: map[int]int{}}

// set gives a thread its nice value, and others theirs anew where it has the
// largest share.
func (n *niceValues) set(tid int, o Options) {
	n.Lock()
	defer n.Unlock()
	n.shares[tid] = o.Share
	if o.Share > n.top {
		n.top = o.Share
		for other := range n.shares {
			n.tell(other)
		}
		return
	}
	n.tell(tid)
}

// tell tells Linux. Where it refuses, as it does for a value lower than before, the thread keeps
// what it has.
func (n *niceValues) tell(tid int) {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, tid, niceOf(n.shares[tid], n.top, ownNice()))
}

// join gives a thread the nice value of another one.
func (n *niceValues) join(tid, to int) bool {
	n.Lock()
	share, ok := n.shares[to]
	n.Unlock()
	if ok {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, tid, niceOf(share, n.top, ownNice()))
	}
	return ok
}

func (n *niceValues) forget(tid int) {
	n.Lock()
	defer n.Unlock()
	delete(n.shares, tid)
}
