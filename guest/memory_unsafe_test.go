package guest

import (
	"testing"
	"unsafe"

	"barreleye/urpc"
)

// conns makes the two ends of a channel of 64 lines in memory of the heap.
func conns(t *testing.T, mem []uint64) (near, far *urpc.Conn) {
	t.Helper()
	start := uintptr(unsafe.Pointer(&mem[0]))
	skip := -start % 4096
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), 8*len(mem))[skip:]
	a, e1 := urpc.SideOf(bytes, 64)
	b, e2 := urpc.SideOf(bytes[urpc.SideBytes(64):], 64)
	if e1 != nil || e2 != nil {
		t.Fatal(e1, e2)
	}
	near, e1 = urpc.NewConn(a, b, urpc.Link{Epoch: 1})
	far, e2 = urpc.NewConn(b, a, urpc.Link{Epoch: 1})
	if e1 != nil || e2 != nil {
		t.Fatal(e1, e2)
	}
	return near, far
}
