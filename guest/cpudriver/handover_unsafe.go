package cpudriver

import _ "unsafe" // for go:linkname

// Message is what a hand-over carries, in registers. The compiler keeps a structure
// in registers, too, if it has no more than four words.
type Message struct{ W0, W1, W2, W3 uint64 }

// exchange is invoke with a message each way, for calls that wait for a hand-over;
// about stands beside the message.
//
//go:noescape
func exchange(call, a, timeout, about uint64, m Message) (r, aboutGot uint64, got Message)

// The runtime takes the calls below for system calls: it gives the thread's P to others when it has
// lasted for a while, and stops the world around it. A thread that waited
// here as a plain call would have to be woken for each of those.

//go:linkname entersyscall runtime.entersyscall
func entersyscall()

// HandOver gives the core to a dispatcher, with a message about something, and
// returns its answer. status is the dispatcher's, or a negative errno: Gone where
// there is no such dispatcher any more, Deadlock where it waits for the caller.
//
//go:nosplit
func HandOver(name, about uint64, m Message) (answer Message, status uint64) {
	entersyscall()
	status, _, answer = exchange(callHandOver, name, 0, about, m)
	exitsyscall()
	return answer, status
}

// Receive waits for an upcall of the calling thread's dispatcher, for timeout ns at
// most, Forever for no limit. Any upcall but the three means: once more.
//
//go:nosplit
func Receive(timeout uint64) (upcall, about uint64, m Message) {
	entersyscall()
	upcall, about, m = exchange(callReceive, 0, timeout, 0, Message{})
	exitsyscall()
	return upcall, about, m
}

// Reply answers the caller whose message the dispatcher had last, and receives.
//
//go:nosplit
func Reply(status uint64, answer Message, timeout uint64) (upcall, about uint64, m Message) {
	entersyscall()
	upcall, about, m = exchange(callReply, status, timeout, 0, answer)
	exitsyscall()
	return upcall, about, m
}
