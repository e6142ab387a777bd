package cli

import (
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"time"

	"barreleye/vmm/temporary"

	"golang.org/x/sys/unix"
)

// interrupt is what SIGINT, SIGTERM and SIGHUP do while no cores of a run are
// there to be asked: the go tool ends, temporary folders go, the command exits.
// While cores run, signals has these signals instead.
type interrupt struct {
	got  chan os.Signal
	over chan struct{}

	mu     sync.Mutex
	tool   *exec.Cmd     // of the go tool, or nil
	done   chan struct{} // closed when it has ended
	ending bool          // the command exits: nothing is started any more
}

// toolWithin bounds the wait for the go tool, which removes its own folders.
const toolWithin = 5 * time.Second

func newInterrupt() *interrupt {
	i := &interrupt{got: make(chan os.Signal, 1), over: make(chan struct{})}
	i.resume()
	go func() {
		select {
		case sig := <-i.got:
			i.end()
			os.Exit(128 + int(sig.(unix.Signal)))
		case <-i.over:
		}
	}()
	return i
}

// resume takes the signals, pause leaves them to others, stop for good. A command
// line without an interrupt, of a test, has none of it.
func (i *interrupt) resume() {
	if i != nil {
		notifyEnd(i.got)
	}
}

func (i *interrupt) pause() {
	if i != nil {
		signal.Stop(i.got)
	}
}

func (i *interrupt) stop() {
	i.pause()
	close(i.over)
}

// notifyEnd has the signals sent to got that ask a command to end.
func notifyEnd(got chan os.Signal) {
	signal.Notify(got, unix.SIGINT, unix.SIGTERM)
	if !signal.Ignored(unix.SIGHUP) { // nohup has it ignored
		signal.Notify(got, unix.SIGHUP)
	}
}

// run runs the go tool. It does not return once the command is about to exit:
// what comes next must not begin.
func (i *interrupt) run(cmd *exec.Cmd) error {
	if i == nil {
		return cmd.Run()
	}
	done := make(chan struct{})
	i.mu.Lock()
	i.waitIfEnding()
	err := cmd.Start()
	if err == nil {
		i.tool, i.done = cmd, done
	}
	i.mu.Unlock()
	if err != nil {
		return err
	}
	err = cmd.Wait()
	i.mu.Lock()
	i.tool = nil
	close(done)
	i.waitIfEnding()
	i.mu.Unlock()
	return err
}

// waitIfEnding, with mu held, waits for the exit of the command, if it comes.
func (i *interrupt) waitIfEnding() {
	if i.ending {
		i.mu.Unlock()
		select {}
	}
}

func (i *interrupt) end() {
	i.mu.Lock()
	tool, done := i.tool, i.done
	i.ending = true
	if tool != nil {
		tool.Process.Signal(unix.SIGINT)
	}
	i.mu.Unlock()
	if tool != nil {
		select {
		case <-done:
		case <-time.After(toolWithin):
			tool.Process.Kill()
			<-done
		}
	}
	temporary.RemoveAll()
}
