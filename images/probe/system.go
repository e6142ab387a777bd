package main

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// random prints 32 bytes from getrandom, from crypto/rand, and from the
// runtime's own generator.
func random(context.Context) error {
	var raw, crypto [32]byte
	if n, err := unix.Getrandom(raw[:], 0); n != len(raw) || err != nil {
		return fmt.Errorf("getrandom: %d bytes, %w", n, err)
	}
	if _, err := crand.Read(crypto[:]); err != nil {
		return err
	}
	fmt.Printf("random getrandom %x\nrandom crypto %x\nrandom runtime %016x%016x\n", raw, crypto, rand.Uint64(), rand.Uint64())
	return nil
}

// unserved makes calls that the driver answers with errors. Each has to fail
// in a way that programs understand.
func unserved(context.Context) error {
	if _, err := os.Open("/no/such/file"); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("open of a file that is not there: %v", err)
	}
	if _, err := net.DialTimeout("tcp", "192.0.2.1:80", time.Second); err == nil {
		return fmt.Errorf("dialing went well without a network")
	} else {
		fmt.Println("dial:", err)
	}
	for range 3 {
		if _, err := unix.Getpgid(0); !errors.Is(err, unix.ENOSYS) {
			return fmt.Errorf("a call that is not served: %v", err)
		}
	}
	if _, err := os.StartProcess("/bin/true", nil, &os.ProcAttr{}); err == nil {
		return fmt.Errorf("a process was started")
	} else {
		fmt.Println("start:", err)
	}
	return nil
}

// signals sends a thread signals while it writes to a blocking pipe: a call
// that has moved bytes must say how many, not fail.
func signals(context.Context) error {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return err
	}
	want := make([]byte, 300_000)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	tid, done := make(chan int), make(chan error, 1)
	go func() {
		tid <- unix.Gettid()
		for rest := want; len(rest) > 0; {
			n, err := unix.Write(fds[1], rest)
			if err != nil && err != unix.EINTR {
				done <- err
				return
			}
			if err == nil {
				rest = rest[n:]
			}
		}
		done <- unix.Close(fds[1])
	}()
	writer := <-tid
	var got bytes.Buffer
	buf := make([]byte, 10_000)
	for {
		// wherever the writer is by now, its call is interrupted
		time.Sleep(time.Millisecond)
		if err := unix.Tgkill(unix.Getpid(), writer, unix.SIGURG); err != nil {
			return err
		}
		n, err := unix.Read(fds[0], buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		got.Write(buf[:n])
	}
	if err := <-done; err != nil {
		return err
	}
	if !bytes.Equal(got.Bytes(), want) {
		return fmt.Errorf("%d bytes came out of a pipe, %d went in, or others", got.Len(), len(want))
	}
	fmt.Printf("%d bytes through a pipe, whole in spite of signals\n", got.Len())
	return nil
}
