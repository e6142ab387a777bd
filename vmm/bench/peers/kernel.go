package peers

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// oneWay opens something of the kernel's into which bytes go and out of which they
// come in that order.
type oneWay func() (in, out int, err error)

// kernelPipes are the peers that are streams of bytes.
var kernelPipes = []struct {
	name string
	open oneWay
}{{"pipe", pipe}, {"unix", unixPair}}

func pipe() (in, out int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return 0, 0, fmt.Errorf("pipe: %w: raise the limit on open files (ulimit -n)", err)
	}
	return fds[1], fds[0], nil
}

func unixPair() (in, out int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("unix sockets: %w: raise the limit on open files (ulimit -n)", err)
	}
	return fds[0], fds[1], nil
}

// eachCall is how many round trips through the kernel are timed, one by one.
const eachCall = 1000

// kernelCalls are the round trips that put a thread to sleep and wake it.
func kernelCalls() (out []test) {
	for _, k := range kernelPipes {
		out = append(out, test{named(RoundTrip, k.name, true, 1), eachCall, true,
			func() (ends, func(), error) { return byteCall(k.open) }})
	}
	return append(out, test{named(RoundTrip, "futex", true, 1), eachCall, true, futexCall})
}

// kernelStreams are streams of messages of 64 bytes: one write each, and reads of
// all there is.
func kernelStreams() (out []test) {
	for _, k := range kernelPipes {
		out = append(out, test{named(Stream, k.name, true, 16384), 11, true,
			func() (ends, func(), error) { return byteStream(k.open, 64) }})
	}
	return out
}

// byteCall is a call of 64 bytes over two of them.
func byteCall(open oneWay) (ends, func(), error) {
	thereIn, thereOut, err := open()
	if err != nil {
		return ends{}, nil, err
	}
	backIn, backOut, err := open()
	if err != nil {
		return ends{}, nil, err
	}
	var at uint64
	out, in := make([]byte, 64), make([]byte, 64)
	return ends{
		near: func(n int) error {
			for range n {
				at++
				stamp(out, at)
				if err := writeAll(thereIn, out); err != nil {
					return err
				}
				if err := readAll(backOut, in); err != nil {
					return err
				}
				if err := checkStamp(in, at); err != nil {
					return err
				}
			}
			return nil
		},
		far: func(total int) error {
			m := make([]byte, 64)
			for i := range total {
				if err := readAll(thereOut, m); err != nil {
					return err
				}
				if err := checkStamp(m, uint64(i+1)); err != nil {
					return err
				}
				if err := writeAll(backIn, m); err != nil {
					return err
				}
			}
			return nil
		},
	}, func() { closeAll(thereIn, thereOut, backIn, backOut) }, nil
}

// readRoom is how much a receiver of small payloads asks for at once: what a pipe
// holds.
const readRoom = 64 << 10

// byteStream sends payloads with a write each; its receiver reads as much as fits.
func byteStream(open oneWay, size int) (ends, func(), error) {
	in, out, err := open()
	if err != nil {
		return ends{}, nil, err
	}
	var at uint64
	buffer, have := make([]byte, max(readRoom/size*size, size)), 0
	taken := 0 // bytes of buffer that were checked
	return ends{
		near: func(n int) error {
			for n > 0 {
				if have-taken < size {
					copy(buffer, buffer[taken:have])
					have, taken = have-taken, 0
					got, err := read(out, buffer[have:])
					if err != nil {
						return err
					}
					have += got
					continue
				}
				at++
				if err := checkStamp(buffer[taken:taken+size], at); err != nil {
					return err
				}
				taken += size
				n--
			}
			return nil
		},
		far: func(total int) error {
			b := make([]byte, size)
			for i := range total {
				stamp(b, uint64(i+1))
				if err := writeAll(in, b); err != nil {
					return err
				}
			}
			return nil
		},
	}, func() { closeAll(in, out) }, nil
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// read returns what there is, at least one byte.
func read(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		switch {
		case errors.Is(err, unix.EINTR): // a signal of the Go runtime
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.ErrUnexpectedEOF
		default:
			return n, nil
		}
	}
}

func readAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := read(fd, b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}
