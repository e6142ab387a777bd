package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"barreleye/urpc/trace"
	"barreleye/vmm/control"
	"barreleye/vmm/image"
	"barreleye/vmm/operator"
	"barreleye/vmm/timeline"
	"barreleye/vmm/timeline/timelinetest"
)

// TestTraceLiving: cores that run already are traced for a while, once for everything and
// then for what the driver does alone; an impossible time is refused.
func TestTraceLiving(t *testing.T) {
	opt := options(t, load(t, "soak", image.LoadOptions{}), 2, "-lives")
	operated(t, opt, "soak: lives: ready", func(client *control.Client) {
		defer func() {
			if err := client.Do(operator.Shutdown, operator.Ending{Now: true}, nil); err != nil {
				t.Error(err)
			}
		}()
		wantKind(t, client.Do(operator.Trace, operator.TraceArgs{}, nil), control.KindUsage, "trace: 0 ms: give 1 to ")
		for _, kinds := range []trace.Set{0, trace.DriverKinds} {
			// On a busy host a core may have no CPU for all of a short time.
			for ms := int64(100); ; ms *= 4 {
				missing := traced(t, client, opt.Dir, kinds, ms)
				if missing == "" {
					break
				}
				if ms > hang().Milliseconds()/8 {
					t.Errorf("in %d ms of kinds %#x: %s", ms, kinds, missing)
					return
				}
			}
		}
	})
}

// traced has some kinds traced for a while, and returns what there must be of them in the
// end and is not.
func traced(t *testing.T, client *control.Client, dir string, kinds trace.Set, ms int64) (missing string) {
	t.Helper()
	var answer operator.Traced
	if err := client.Do(operator.Trace, operator.TraceArgs{DurationMS: ms, Kinds: uint64(kinds)}, &answer); err != nil {
		t.Error(err)
		return ""
	}
	file := filepath.Join(t.TempDir(), "trace.json")
	f, err := os.Create(file)
	if err != nil {
		t.Error(err)
		return ""
	}
	sum, err := timeline.Convert(dir, f)
	f.Close()
	if err != nil || answer.Folder != timeline.Folder {
		t.Errorf("%+v, %v", answer, err)
		return ""
	}
	read, err := timelinetest.Read(file)
	if err != nil {
		t.Error(err)
		return ""
	}
	t.Logf("kinds %#x: %+v", kinds, sum)
	messages := read.Count("X", "send") + read.Count("X", "receive")
	switch {
	case kinds == 0 && (sum.Arrows == 0 || read.Count("X", "life") != 2 || read.Count("C", "messages") == 0):
		return fmt.Sprintf("%d arrows, %d lives, %d counts of messages", sum.Arrows, read.Count("X", "life"), read.Count("C", "messages"))
	case kinds != 0 && sum.Records == 0 && !onHosted():
		return "no records"
	// what the monitor has to say when it looks for the new kinds, which takes it CPU time too
	case kinds != 0 && uint64(messages) > sum.Records/2:
		return fmt.Sprintf("%d messages of %d records, which nobody asked for", messages, sum.Records)
	}
	return ""
}
