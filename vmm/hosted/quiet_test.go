package hosted

import (
	"os"
	"testing"
)

// TestBusyProcessIsNotQuiet: this one runs.
func TestBusyProcessIsNotQuiet(t *testing.T) {
	if (&Process{pid: os.Getpid()}).Quiet() {
		t.Error("a process that runs a test waits for nothing but its doorbell")
	}
	if (&Process{}).Quiet() {
		t.Error("no process waits for its doorbell")
	}
}
