package input

import (
	"bytes"
	"runtime"
	"testing"
	"testing/iotest"
)

func buffer() Buffer {
	return Buffer{Request: &Request{}, Answer: &Answer{}, Data: &[Size]byte{}}
}

// TestNothingBeforeItIsWanted: the VMM sees no request until the core reads,
// and one for each piece after that.
func TestNothingBeforeItIsWanted(t *testing.T) {
	b, r := buffer(), Reader{}
	var p [10]byte
	if w := b.Wanted(); w != 0 {
		t.Fatalf("request %d before the first read", w)
	}
	for i := uint64(1); i <= 3; i++ {
		if n, ended, ask := r.Read(b, p[:]); n != 0 || ended || !ask || b.Wanted() != i {
			t.Fatalf("read %d: %d bytes, ended %v, ask %v, request %d", i, n, ended, ask, b.Wanted())
		}
		if n, ended, ask := r.Read(b, p[:]); n != 0 || ended || ask || r.Arrived(b) {
			t.Fatalf("read again: %d bytes, ended %v, ask %v", n, ended, ask)
		}
		b.Put(i, []byte("one line\n"))
		if b.Wanted() != 0 || !r.Arrived(b) {
			t.Fatalf("answered, but request %d waits", b.Wanted())
		}
		for _, want := range []string{"one li", "ne\n"} {
			if n, _, ask := r.Read(b, p[:6]); string(p[:n]) != want || ask || b.Wanted() != 0 {
				t.Fatalf("got %q, ask %v, want %q", p[:n], ask, want)
			}
		}
	}
}

func TestTheEndStays(t *testing.T) {
	b, r := buffer(), Reader{}
	var p [1]byte
	r.Read(b, p[:])
	b.Put(1, nil)
	for range 3 {
		if n, ended, ask := r.Read(b, p[:]); n != 0 || !ended || ask || b.Wanted() != 0 {
			t.Fatalf("after the end: %d bytes, ended %v, ask %v", n, ended, ask)
		}
	}
}

// TestBrokenLength: an answer that is longer than the buffer is cut there.
func TestBrokenLength(t *testing.T) {
	b, r := buffer(), Reader{}
	p := make([]byte, 2*Size)
	r.Read(b, p)
	b.Answer.length.Store(1 << 60)
	b.Answer.n.Store(1)
	if n, ended, _ := r.Read(b, p); n != Size || ended {
		t.Fatalf("%d bytes, ended %v", n, ended)
	}
	if _, _, ask := r.Read(b, p); !ask {
		t.Error("the next piece is not asked for")
	}
}

// TestBytesArriveInOrder: what one goroutine puts in another reads, whole.
func TestBytesArriveInOrder(t *testing.T) {
	want := make([]byte, 3*Size+777)
	for i := range want {
		want[i] = byte(i * 31 >> 4)
	}
	b := buffer()
	go func() {
		source, piece := iotest.HalfReader(bytes.NewReader(want)), make([]byte, Size)
		for {
			w := b.Wanted()
			if w == 0 {
				runtime.Gosched()
				continue
			}
			n, _ := source.Read(piece)
			b.Put(w, piece[:n])
			if n == 0 {
				return
			}
		}
	}()
	var r Reader
	var got bytes.Buffer
	p := make([]byte, 1000)
	for {
		n, ended, _ := r.Read(b, p)
		if ended {
			break
		}
		if n == 0 {
			runtime.Gosched()
		}
		got.Write(p[:n])
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes arrived, %d were sent, or others", got.Len(), len(want))
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	b, r := buffer(), Reader{}
	p := make([]byte, 8)
	if n := testing.AllocsPerRun(100, func() {
		if _, _, ask := r.Read(b, p); ask {
			b.Put(b.Wanted(), p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
