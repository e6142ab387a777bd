package urpc

// Counter returns the address of the number of messages sent so far. It is for
// reading on this core only: the count is private to the sending goroutine and
// not written atomically.
func (s *Sender) Counter() *uint64 { return &s.next }

// Counter returns the address of the number of messages received so far, for
// reading on this core only.
func (r *Receiver) Counter() *uint64 { return &r.next }
