package peers

import "strconv"

// message is 64 bytes; its first and last word are its number.
type message [8]uint64

func (m *message) check(want uint64) error {
	if m[0] != want || m[7] != want {
		return wrong(want, m[0])
	}
	return nil
}

// How many messages a sample of Go's channels is the mean of: where both ends are
// bound to CPUs of their own each message wakes a thread, where they are not hardly
// one does.
const (
	bound = 64
	free  = 4096
	much  = 1 << 16 // many times the largest buffer
)

// messages are the tests with messages of 64 bytes.
func messages() []test {
	var out []test
	for _, pinned := range []bool{false, true} {
		for _, room := range []int{0, 64} {
			n, rounds := free, 51
			if pinned {
				n, rounds = 1, 1000
			}
			out = append(out, test{named(RoundTrip, "go_channel", pinned, n, [2]string{"ring", strconv.Itoa(room)}), rounds, pinned,
				func() (ends, func(), error) { return channelCall(room) }})
		}
	}
	for _, pinned := range []bool{false, true} {
		for _, room := range []int{0, 1024, 4096} {
			n, rounds := much, 11
			if pinned && room == 0 {
				n, rounds = bound, 21
			}
			out = append(out, test{named(Stream, "go_channel", pinned, n, [2]string{"ring", strconv.Itoa(room)}), rounds, pinned,
				func() (ends, func(), error) { return channelStream(room) }})
		}
	}
	return append(append(out, kernelCalls()...), kernelStreams()...)
}

// channelCall is a call over two channels.
func channelCall(room int) (ends, func(), error) {
	there, back := make(chan message, room), make(chan message, room)
	var at uint64
	return ends{
		near: func(n int) error {
			for range n {
				at++
				there <- message{0: at, 7: at}
				if m := <-back; m.check(at) != nil {
					return m.check(at)
				}
			}
			return nil
		},
		far: func(total int) error {
			for i := range total {
				m := <-there
				if err := m.check(uint64(i + 1)); err != nil {
					return err
				}
				back <- m
			}
			return nil
		},
	}, func() {}, nil
}

// channelStream is a stream over one channel.
func channelStream(room int) (ends, func(), error) {
	c := make(chan message, room)
	var at uint64
	return ends{
		near: func(n int) error {
			for range n {
				at++
				if m := <-c; m.check(at) != nil {
					return m.check(at)
				}
			}
			return nil
		},
		far: func(total int) error {
			for i := range total {
				c <- message{0: uint64(i + 1), 7: uint64(i + 1)}
			}
			return nil
		},
	}, func() {}, nil
}
