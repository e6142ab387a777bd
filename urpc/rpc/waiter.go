package rpc

// waiter is a goroutine that waits for something to be done under the Conn's
// lock: a call's answer, a request to serve, room to send.
type waiter struct {
	wake   chan struct{} // of one
	done   bool
	parked bool    // in the Conn's list
	next   *waiter // in the list
	prev   *waiter
}

func newWaiter() waiter { return waiter{wake: make(chan struct{}, 1)} }

// tell wakes the goroutine if it is parked.
func (w *waiter) tell() {
	select {
	case w.wake <- struct{}{}:
	default: // told already
	}
}

// waiters is a list of parked waiters.
type waiters struct{ first *waiter }

func (l *waiters) add(w *waiter) {
	w.parked, w.prev, w.next = true, nil, l.first
	if l.first != nil {
		l.first.prev = w
	}
	l.first = w
}

func (l *waiters) remove(w *waiter) {
	if !w.parked {
		return
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.parked, w.prev, w.next = false, nil, nil
}
