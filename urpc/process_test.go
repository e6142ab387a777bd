package urpc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"barreleye/urpc/seedtest"
)

// Two processes over a memfd: the parent asks, the child answers, over a duplex
// ring and a call line at the same time. Doorbells are pipes.

const (
	childEnv   = "URPC_TEST_CHILD_SEED"
	procLines  = 16
	nearAsleep = 0 // offsets in the memfd; one writer per page
	farAsleep  = pageSize
	nearSide   = 2 * pageSize
	farSide    = nearSide + 2*pageSize
	callAt     = farSide + 2*pageSize
	procSize   = callAt + 3*pageSize
)

func TestMain(m *testing.M) {
	if seed := os.Getenv(childEnv); seed != "" {
		os.Exit(child(seed))
	}
	os.Exit(m.Run())
}

// attach maps the memfd and makes this process's core; in is its doorbell, out
// the peer's.
func attach(fd int, in, out *os.File, mine, peers int, pauses func()) ([]byte, *core, Link, error) {
	mem, err := syscall.Mmap(fd, 0, procSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, Link{}, err
	}
	c := &core{asleep: wordAt(mem, mine), bell: make(chan struct{}, 1), arm: make(chan struct{}, 1),
		armed: map[*watch]bool{}, pauses: pauses}
	go c.idle(context.Background())
	go func() {
		var b [64]byte
		for {
			if _, err := in.Read(b[:]); err != nil {
				return
			}
			c.ring()
		}
	}()
	ring := func() { out.Write([]byte{1}) }
	link := Link{Epoch: 3, Latency: true, Polls: 50, Sleeper: c, Bell: &Bell{Asleep: wordAt(mem, peers), Ring: ring}}
	return mem, c, link, nil
}

// child answers until both channels close; its exit status tells how it ended.
func child(text string) int {
	var seed uint64
	fmt.Sscan(text, &seed)
	ctx, cancel := context.WithTimeout(context.Background(), stressTime)
	defer cancel()
	mem, _, link, err := attach(3, os.NewFile(4, "bell"), os.NewFile(5, "peer"), farAsleep, nearAsleep, delays(seed, 12))
	if err != nil {
		return 2
	}
	_, server := processCall(mem, Link{}, link)
	served := make(chan error)
	go func() {
		wait := delays(seed, 13)
		for {
			var m Message
			err := server.Accept(ctx, &m)
			if err == nil {
				wait()
				err = server.Reply(&m)
			}
			if err != nil {
				served <- err
				return
			}
		}
	}()
	conn := must(NewConn(must(SideOf(mem[farSide:], procLines)), must(SideOf(mem[nearSide:], procLines)), link))
	wait := delays(seed, 14)
	for {
		var m Message
		err := conn.Recv(ctx, &m)
		if err == nil {
			wait()
			err = conn.TrySend(&m)
		}
		if err == ErrClosed {
			break
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			return 3
		}
	}
	if err := <-served; err != ErrClosed {
		fmt.Fprintln(os.Stderr, "child serving:", err)
		return 4
	}
	return 0
}

func processCall(mem []byte, client, server Link) (*CallClient, *CallServer) {
	line := must(LineOf(mem[callAt:]))
	c, s := must(ControlOf(mem[callAt+pageSize:])), must(ControlOf(mem[callAt+2*pageSize:]))
	return must(NewCallClient(line, c, s, client)), must(NewCallServer(line, s, c, server))
}

func TestTwoProcesses(t *testing.T) {
	seed := seedtest.Seed(t)
	ctx := deadline(t)
	fd, err := newMemfd(procSize)
	if errors.Is(err, syscall.ENOSYS) {
		t.Skip("no memfd_create here, in a core: a core has no processes")
	}
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "memfd")
	defer file.Close()
	nearIn, farOut := must2(os.Pipe())
	farIn, nearOut := must2(os.Pipe())
	// Never unmapped: the idle loop and the bell live as long as the process.
	mem, core, link, err := attach(fd, nearIn, nearOut, nearAsleep, farAsleep, delays(seed, 2))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", childEnv, seed))
	cmd.ExtraFiles = []*os.File{file, farIn, farOut}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	client, _ := processCall(mem, link, Link{})
	called := make(chan error)
	n := uint64(*rounds) / 10
	go func() {
		wait := delays(seed, 3)
		var m Message
		for i := range n {
			fill(&m, i)
			err := client.Call(ctx, &m)
			if err == nil {
				err = verify(&m, i)
			}
			if err != nil {
				called <- fmt.Errorf("call %d: %w", i, err)
				return
			}
			wait()
		}
		client.Close()
		called <- nil
	}()
	near, far := must(SideOf(mem[nearSide:], procLines)), must(SideOf(mem[farSide:], procLines))
	conn := must(NewConn(near, far, link))
	wait := delays(seed, 4)
	var m Message
	for i := uint64(0); i < n; i += 8 {
		for j := range uint64(8) { // pipelined: eight on the way
			fill(&m, i+j)
			if err := conn.TrySend(&m); err != nil {
				t.Fatal(err)
			}
			wait()
		}
		for j := range uint64(8) {
			if err := conn.Recv(ctx, &m); err != nil {
				t.Fatalf("answer %d: %v", i+j, err)
			}
			if err := verify(&m, i+j); err != nil {
				t.Fatal(err)
			}
		}
		if i%400 == 0 {
			time.Sleep(time.Millisecond) // lets the child sleep; nothing relies on it
		}
	}
	conn.Close()
	if err := <-called; err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
	for name, s := range map[string]*Stats{"parent": near.Stats, "child": far.Stats} {
		if s.Recv.Messages != n || s.Latency.Taken == 0 || s.Latency.Refused > 0 {
			t.Errorf("%s: %+v, %+v", name, s.Recv, s.Latency)
		}
	}
	t.Logf("parent parked %d times", core.sleeps())
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}
