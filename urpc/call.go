package urpc

// Calls answered in the request's own line. A ring round trip moves four cache
// lines' worth of ownership, because a writer must first take its line back from
// the poller; here the line itself goes to and fro: two transfers.
//
// The line belongs to its ends in turns. Call number k (from 0) is a header with
// sequence uint32(2k+1), written by the client; its answer has sequence
// uint32(2k+2), written by the server. So an odd sequence is the server's turn
// and an even one the client's, and a zeroed line is the client's. An end that
// waits knows the one header that means "not yet", to the bit.
//
// Closing cannot wait for the turn. Each end first marks its control block, then
// fences, then looks at the line; if it is its turn it also writes a close mark
// there, for a peer that watches the line. The peer has written the line, fences,
// and then looks at the control block before it parks. One of both must see the
// other (the same argument as for the asleep word).

// callEnd is what client and server have in common.
type callEnd struct {
	line      *Line
	own, peer *Control
	epoch     uint64 // shifted to its place in a header
	idle      uint64 // header that means "not yet": the one that stands in the line
	seq       uint32 // sequence of the peer's header that is awaited, or was taken last
	turn      bool   // ours: we may write the line
	unflushed bool   // the peer may sleep and not know of our header
	closed    bool
	hits      uint8  // first polls in a row that found the line
	pauses    uint32 // PAUSEs before the first poll
	err       error  // sticky
	link      Link
	stats     *Stats // nil: nothing is counted
}
