package cpudriver

// The functions below are for package dispatcher. A dispatcher is its thread's: its
// goroutine must be locked to it.

// Forever is a timeout that does not come.
const Forever = forever

// What HandOver's status may be beside the dispatcher's own.
const (
	Gone     = ^uint64(eSRCH) + 1   // there is no such dispatcher
	Died     = ^uint64(ePIPE) + 1   // it ended before it answered
	Deadlock = ^uint64(eDEADLK) + 1 // it waits for the caller
)

// NewDispatcher makes the calling thread a dispatcher's, with a share of the core by weight
// (from 1 on) among those of its priority, and returns its name. False where the core has
// no room for one more: it has 63.
func NewDispatcher(weight, priority uint64) (name uint64, ok bool) {
	r := invoke(callDispatcher, weight, priority, 0)
	return r, int64(r) >= 0
}

// EndDispatcher ends the calling thread's dispatcher. Callers that it has not
// answered hear so.
func EndDispatcher() { invoke(callEnd, 0, 0, 0) }

// JoinDispatcher has the calling thread run on a dispatcher's share; name 0 is that
// of the runtime's threads. False where the dispatcher has ended.
func JoinDispatcher(name uint64) bool { return invoke(callJoin, name, 0, 0) == 0 }

// SetShare changes a dispatcher's weight and priority.
func SetShare(name, weight, priority uint64) bool {
	return invoke(callShare, name, weight, priority) == 0
}

// Ran returns for how many cycles the threads of a dispatcher have run, or those of
// the runtime for name 0.
func Ran(name uint64) (cycles uint64, ok bool) {
	r := invoke(callRan, name, 0, 0)
	return r, int64(r) >= 0
}

// Kick upcalls a dispatcher to run. Kicks that it has not taken yet are one.
func Kick(name uint64) { invoke(callKick, name, 0, 0) }

// Words waits for words of the shared region on behalf of a dispatcher, which is
// upcalled to run when one has changed.
type Words struct {
	fd     uint64
	memory []uint32 // the driver's
}

// NewWords returns Words with n places, from 1 to MaxPlaces.
func NewWords(name uint64, n int) (*Words, error) {
	w := &Words{memory: make([]uint32, 2*n)}
	w.fd = invoke(callWatch, addressOf(&w.memory[0]), uint64(n), name)
	if int64(w.fd) < 0 {
		return nil, ErrWatches
	}
	return w, nil
}

// Arm has the word at a place waited for, as Watch.Arm does.
func (w *Words) Arm(place int, word *uint64, old uint64) error {
	if r := invoke(callArm, w.fd|uint64(place)<<16, addressOf(word), old); int64(r) < 0 {
		return ErrArmed
	}
	return nil
}

// Disarm takes back Arm.
func (w *Words) Disarm(place int) { invoke(callArm, w.fd|uint64(place)<<16, 0, 0) }

// Changed writes the places whose words have changed to buf, which has room for all
// and for two at least, and returns them.
func (w *Words) Changed(buf []uint32) []uint32 {
	n := invoke(sysREAD, w.fd, addressOf(&buf[0]), uint64(4*len(buf)))
	if int64(n) < 0 {
		return nil
	}
	return buf[:n/4]
}

// Close gives them back.
func (w *Words) Close() { invoke(sysCLOSE, w.fd, 0, 0) }
