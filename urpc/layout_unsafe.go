package urpc

import "unsafe"

// The layout both ends must agree on. A wrong one does not compile: the constant
// becomes negative or the array index leaves its bounds.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Line{})-LineSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Line{}.header)-MaxPayload]
	_ = [1]struct{}{}[unsafe.Sizeof(Control{})-LineSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Control{}.state)-0]
	_ = [1]struct{}{}[unsafe.Offsetof(Control{}.sent)-8]
	_ = [1]struct{}{}[unsafe.Offsetof(Control{}.ack)-16]
	_ = [1]struct{}{}[unsafe.Offsetof(Control{}.index)-24]

	_ = [1]struct{}{}[unsafe.Sizeof(Block{})-LineSize]

	_ = uint(pageSize - statsAt - unsafe.Sizeof(Stats{}))
	_ = [1]struct{}{}[unsafe.Offsetof(Stats{}.Recv)-1*LineSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Stats{}.Latency)-2*LineSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Stats{}.Stamps)-3*LineSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Stats{}.Cells)-7*LineSize]

	// batch_amd64.s moves type and length as one 32-bit word.
	_ = [1]struct{}{}[unsafe.Sizeof(Message{})-LineSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Message{}.Type)-MaxPayload]
	_ = [1]struct{}{}[unsafe.Offsetof(Message{}.Len)-MaxPayload-2]

	// Private ends fill whole pairs of cache lines, so that two ends that lie
	// side by side in one heap (tests, the hosted platform) do not share one.
	_ = [1]struct{}{}[unsafe.Sizeof(Sender{})%128]
	_ = [1]struct{}{}[unsafe.Sizeof(Receiver{})%128]
	_ = [1]struct{}{}[unsafe.Sizeof(BulkSender{})%128]
	_ = [1]struct{}{}[unsafe.Sizeof(BulkReceiver{})%128]
	_ = [1]struct{}{}[unsafe.Sizeof(CallClient{})%128]
	_ = [1]struct{}{}[unsafe.Sizeof(CallServer{})%128]
)
