package guest

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Stopping returns a channel that is closed when this core is asked to end: by `core stop`,
// a restart, an update or the end of the run. From then on dials to this core fail
// with ErrStopping. The program is to send what it has under way and to return from main;
// its peers receive everything that it sent, and then the end. It is stopped where it takes
// longer than run's --grace.
//
// Until the first call of Stopping, a program that is asked to end does so at once, as one
// that does not handle SIGTERM and SIGINT; those are what it is asked by. A second one
// ends it.
func Stopping() <-chan struct{} {
	stopping.once.Do(func() {
		stopping.asked = make(chan struct{})
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
		go func() {
			<-signals
			signal.Stop(signals)
			if core != nil {
				core.RefuseDials()
			}
			close(stopping.asked)
		}()
	})
	return stopping.asked
}

var stopping struct {
	once  sync.Once
	asked chan struct{}
}
