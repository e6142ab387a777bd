package integration

import (
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
			var answer operator.Traced
			if err := client.Do(operator.Trace, operator.TraceArgs{DurationMS: 100, Kinds: uint64(kinds)}, &answer); err != nil {
				t.Error(err)
				return
			}
			file := filepath.Join(t.TempDir(), "trace.json")
			f, err := os.Create(file)
			if err != nil {
				t.Error(err)
				return
			}
			sum, err := timeline.Convert(opt.Dir, f)
			f.Close()
			if err != nil || answer.Folder != timeline.Folder {
				t.Errorf("%+v, %v", answer, err)
				return
			}
			read, err := timelinetest.Read(file)
			if err != nil {
				t.Error(err)
				return
			}
			t.Logf("kinds %#x: %+v", kinds, sum)
			messages := read.Count("X", "send") + read.Count("X", "receive")
			if kinds == 0 && (sum.Arrows == 0 || read.Count("X", "life") != 2 || read.Count("C", "messages") == 0) {
				t.Errorf("%d arrows, %d lives, %d counts of messages", sum.Arrows, read.Count("X", "life"), read.Count("C", "messages"))
			}
			// what the monitor has to say when it looks for the new kinds
			if kinds != 0 && (sum.Records == 0 && !onHosted() || uint64(messages) > sum.Records/2) {
				t.Errorf("%d messages of %d records, which nobody asked for", messages, sum.Records)
			}
		}
	})
}
