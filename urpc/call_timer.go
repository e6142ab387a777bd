package urpc

// callTimer is what a client that was told to records: its calls, and the time
// that some of them take, from just before the request is written until the answer
// was taken.
type callTimer struct {
	sampler        // of which no stamp is written
	stats   *Stats // in this core's memory
	at      uint64 // number of the call to time next
	begun   uint64 // TSC at its begin; 0 while none is timed
}

// Record has the client count its calls in s and time some of them: Send.Messages
// are requests, Recv.Messages answers, Wakes doorbells rung for a request, Polls and
// Parks those for an answer. s is written by this core alone; it may hold the counts of
// an end before this one, of which the client counts on. Call it before the first call.
func (c *CallClient) Record(s *Stats) {
	n := s.Send.Messages
	c.stats = s
	c.timer = &callTimer{sampler: sampler{gap: 1, line: n, stood: n}, stats: s, at: n}
}

// start notes what time it is, if the next call is one to time.
func (t *callTimer) start() {
	if t.begun = 0; t.stats.Send.Messages == t.at {
		t.begun = timestamp()
	}
}

// started counts a call that start was called for.
func (t *callTimer) started() { t.stats.Send.Messages++ }

// answered counts the answer, and records how long it took.
func (t *callTimer) answered() {
	t.stats.Recv.Messages++
	if t.begun == 0 {
		return
	}
	now := timestamp()
	n, took := t.stats.Send.Messages, now-t.begun
	t.begun = 0
	t.stats.Cells.record(took, n-t.stood)
	t.stood = n
	publish(&t.stats.Latency.Max, max(t.stats.Latency.Max, took))
	publish(&t.stats.Latency.Taken, t.stats.Latency.Taken+1)
	t.at = t.next(n, now)
}
