package urpc

import "testing"

// Both ends of one channel in one process. The first link is the sender's, the
// client's or the near end's.

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// ringPair makes a one-way ring in guarded memory.
func ringPair(tb testing.TB, lines int, from, to Link) (*Sender, *Receiver) {
	a := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	rx := must(ControlOf(guarded(tb, pageSize)))
	return must(NewSender(a.Ring, a.Tx, rx, from)), must(NewReceiver(a.Ring, rx, a.Tx, to))
}

// connPair makes a duplex channel in guarded memory.
func connPair(tb testing.TB, lines int, near, far Link) (*Conn, *Conn) {
	a := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	b := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	return must(NewConn(a, b, near)), must(NewConn(b, a, far))
}

// callPair makes a call line in mem: a page for the line, one per control block.
func callPair(tb testing.TB, mem []byte, client, server Link) (*CallClient, *CallServer) {
	tb.Helper()
	line := must(LineOf(mem))
	c, s := must(ControlOf(mem[pageSize:])), must(ControlOf(mem[2*pageSize:]))
	return must(NewCallClient(line, c, s, client)), must(NewCallServer(line, s, c, server))
}
