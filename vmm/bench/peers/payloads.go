package peers

import (
	"encoding/binary"
	"strconv"
)

// sizes of payloads in bytes, as those of the cores.
var sizes = []int{8, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}

// buffers is how many payloads may be under way in a Go channel.
const buffers = 64

// payloads are the streams of payloads: all bytes end up in a buffer of the
// receiver's own.
func payloads() []test {
	var out []test
	for _, size := range sizes {
		n := min(max(16<<20/size, 16), 20_000)
		param := [2]string{"payload", strconv.Itoa(size)}
		for _, pinned := range []bool{false, true} {
			out = append(out, test{named(Payload, "go_channel", pinned, n, param), 11, pinned,
				func() (ends, func(), error) { return channelPayload(size) }})
		}
		for _, k := range kernelPipes {
			out = append(out, test{named(Payload, k.name, true, n, param), 11, true,
				func() (ends, func(), error) { return byteStream(k.open, size) }})
		}
	}
	return out
}

// stamp numbers a payload, in its first and last eight bytes.
func stamp(b []byte, n uint64) {
	binary.NativeEndian.PutUint64(b, n)
	binary.NativeEndian.PutUint64(b[len(b)-8:], n)
}

// checkStamp wants the number n.
func checkStamp(b []byte, n uint64) error {
	first, last := binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[len(b)-8:])
	if first != n || last != n {
		return wrong(n, first)
	}
	return nil
}

// channelPayload copies payloads into buffers that go through a channel, and back
// through another when the receiver has copied them out.
func channelPayload(size int) (ends, func(), error) {
	there, back := make(chan []byte, buffers), make(chan []byte, buffers)
	for range buffers {
		back <- make([]byte, size)
	}
	mine := make([]byte, size)
	var at uint64
	return ends{
		near: func(n int) error {
			for range n {
				at++
				b := <-there
				copy(mine, b)
				back <- b
				if err := checkStamp(mine, at); err != nil {
					return err
				}
			}
			return nil
		},
		far: func(total int) error {
			source := make([]byte, size)
			for i := range total {
				stamp(source, uint64(i+1))
				b := <-back
				copy(b, source)
				there <- b
			}
			return nil
		},
	}, func() {}, nil
}
