package churn

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWait: it is over when its time is, and not where it was ended before.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := func(w *wait) bool {
			synctest.Wait()
			select {
			case <-w.over:
				return true
			default:
				return false
			}
		}
		long, short, ended := newWait(patience), newWait(1), newWait(patience)
		time.Sleep(tick)
		if !over(short) {
			t.Error("a wait of a nanosecond is not over after a tick")
		}
		ended.end()
		time.Sleep(patience - 2*tick)
		if over(long) {
			t.Error("over a tick early")
		}
		time.Sleep(2 * tick)
		if !over(long) {
			t.Error("not over in time")
		}
		if over(ended) {
			t.Error("over though it was ended")
		}
		long.end()
		short.end()
	})
}
