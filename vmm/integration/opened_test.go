package integration

import (
	"fmt"
	"testing"
)

// TestOpenChannels: a thousand channels between two cores work at once, and close so
// that all of their memory can be used again.
func TestOpenChannels(t *testing.T) {
	n := scaled(1000, 100)
	o := boot(t, "probe", 2, "-n", fmt.Sprint(n), "opened")
	o.wantOK()
	o.wantLine(0, fmt.Sprintf("%d channels, 3 times: every message came back", n))
	o.wantLine(0, "as there should be")
	// what was closed is counted all the same: three rounds of three messages
	for _, c := range o.Cores {
		if c.Sent < uint64(9*n) || c.Received < uint64(9*n) {
			t.Errorf("core %d: %d messages sent, %d received, want %d of each at least", c.Core, c.Sent, c.Received, 9*n)
		}
	}
}

// TestOpenChannelsLoseAPeer: its end ends the waits on all of them, after what it had
// sent, and what is being opened.
func TestOpenChannelsLoseAPeer(t *testing.T) {
	n := scaled(1000, 100)
	o := boot(t, "probe", 2, "-n", fmt.Sprint(n), "openedloss")
	if c := o.Cores[0]; c.State != "exited" || c.ExitCode != 0 {
		t.Errorf("core 0 is %s, code %d", c.State, c.ExitCode)
	}
	if c := o.Cores[1]; c.ExitCode != 2 {
		t.Errorf("core 1 is %s, code %d, want 2", c.State, c.ExitCode)
	}
	o.wantLine(0, fmt.Sprintf("%d channels: each message came, then urpc: closed", n))
}

// TestBinding: what cannot be opened is refused by name, and rings may have any length.
func TestBinding(t *testing.T) {
	o := boot(t, "probe", 3, "-n", fmt.Sprint(scaled(50_000, 500)), "binding")
	o.wantOK()
	for _, line := range []string{
		`core 0: channel to core 1 for "nobody": nobody listens for it there: call guest.Listen there first, or set ChannelOptions.Wait`,
		`core 0: channel to core 1 for "bulk": it is of the other profile there: use Dial with Listen, DialBulk with ListenBulk`,
		`core 0: channel to core 1 for "nobody": context deadline exceeded`,
		`core 0: channel to core 1 for "echo": ring of 20 lines`,
		`core 0: channel to core 0 of 3: no such peer`,
		"16384 blocks came back",
	} {
		o.wantLine(0, line)
	}
}
