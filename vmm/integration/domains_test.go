package integration

import (
	"fmt"
	"testing"
)

// TestDomainShares has domains compute for ever side by side. What each got is
// counted by the driver (by Linux, where cores are processes), until they have had a time
// together: however slow the host is, that does not change the parts.
func TestDomainShares(t *testing.T) {
	for _, shares := range []string{"300,100", "100,100,200"} {
		o := boot(t, "domains", 1, "-shares", shares, "-total", scaled("2s", "1s"), "shares")
		o.wantOK()
		var off float64
		for _, line := range o.logged(0, "shares: ") {
			fmt.Sscanf(line, "shares: %f %% off at most", &off)
		}
		o.wantLine(0, "off at most")
		if off > 5 {
			t.Errorf("shares %s: %.1f %% off, want 5 at most", shares, off)
		}
	}
}

// TestDomainCalls: calls between domains of a core, nested, that fault, and that
// would never end. The image checks them.
func TestDomainCalls(t *testing.T) {
	o := boot(t, "domains", 1, "calls")
	o.wantOK()
	o.wantLine(0, "calls: all as they should be")
	o.wantLine(0, `fault: core 0: domain "adder": fault: runtime error: integer divide by zero`)
}
