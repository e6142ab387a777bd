package integration

import (
	"fmt"
	"strings"
	"testing"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/image"
)

// sharedBase is where shared memory begins in a run of so many cores.
func sharedBase(cores int) uint64 {
	offset, _ := region.DefaultGeometry(cores).RAM()
	return layout.RegionGPA + offset
}

// verb is how a report begins; that of a process does not tell reads from writes.
func verb(guest string) string {
	if onHosted() {
		return "use of"
	}
	return guest
}

// TestMapSizes: frames of all sizes are mapped, protected and unmapped, by large pages
// where those fit; each use that is not allowed is a fault that the program can catch, and
// the driver says what of.
func TestMapSizes(t *testing.T) {
	o := boot(t, "probe", 1, "maps", "sizes")
	o.wantOK()
	o.wantLine(0, "frames of all sizes are mapped and unmapped")
	base := sharedBase(1)
	o.wantLine(0, fmt.Sprintf("%s Frame %#x+0x1000, which is mapped for reading only", verb("write to"), base))
	o.wantLine(0, fmt.Sprintf("%s Frame %#x+0x1000, which is mapped for no access", verb("read of"), base))
	o.wantLine(0, fmt.Sprintf("%s Frame %#x+0x1000, which is not mapped any more", verb("write to"), base))
	o.wantLine(0, fmt.Sprintf("%s Frame %#x+0x600000, which is not mapped any more", verb("read of"), base+layout.HugeSize))
	if onHosted() {
		return
	}
	if k := o.Cores[0]; k.Invalidated == 0 || k.Flushes == 0 {
		t.Errorf("%d pages were dropped from the TLB alone, and all %d times", k.Invalidated, k.Flushes)
	}
}

// TestMapShown: the map table shows what of which frame is mapped, and how.
func TestMapShown(t *testing.T) {
	needGuests(t, "a process tells its map when it is asked, not at its end")
	o := boot(t, "probe", 1, "maps", "shown")
	o.wantOK()
	var shown []string
	for _, m := range o.Cores[0].Maps {
		if m.Kind == "frame" {
			shown = append(shown, fmt.Sprint(m.Frame, " ", m.Prot, " ", m.PageSize>>10))
		}
	}
	base := sharedBase(1)
	want := fmt.Sprintf("%#x r-- 2048, %#x r-- 4", base, base+layout.HugeSize)
	if got := strings.Join(shown, ", "); got != want {
		t.Errorf("frames %q, want %q", got, want)
	}
}

// TestMapRefused: rights count, and what has no capability left is unmapped.
func TestMapRefused(t *testing.T) {
	o := boot(t, "probe", 1, "maps", "refused")
	o.wantOK()
	o.wantLine(0, "what takes rights is refused, and what has none left is unmapped")
	o.wantLine(0, "the capability to which was deleted")
	o.wantLine(0, "the capability to which was revoked")
}

// TestMapPrivate: a core's own memory is mapped likewise, and none of it is lost.
func TestMapPrivate(t *testing.T) {
	needGuests(t, "a process's private memory is Linux's")
	o := boot(t, "probe", 1, "maps", "private")
	o.wantOK()
	o.wantLine(0, "private memory is mapped and given back")
}

// TestMapShared: two cores that map a frame see what the other writes. One that loses it
// ends with a report when it uses it; the other goes on.
func TestMapShared(t *testing.T) {
	for how, why := range map[string]string{
		"shared":   "",
		"readonly": "which is mapped for reading only",
		"unmapped": "which is not mapped any more",
		"deleted":  "the capability to which was deleted",
		"moved":    "the capability to which was moved away",
		"revoked":  "the capability to which was revoked by core 0",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			o := run(t, options(t, load(t, "probe", image.LoadOptions{}), 3, "maps", how))
			for _, core := range []int{0, 2} {
				if k := o.Cores[core]; k.State != "exited" || k.ExitCode != 0 {
					t.Errorf("core %d %s with code %d", core, k.State, k.ExitCode)
				}
			}
			o.wantLine(0, "the frame is as it was, for core 0: true")
			if how == "shared" {
				o.wantOK()
				return
			}
			if k := o.Cores[1]; k.ExitCode != 2 {
				t.Errorf("core 1 %s with code %d, want its runtime's 2", k.State, k.ExitCode)
			}
			o.wantLine(1, "unexpected fault address 0x7d")
			o.wantLine(1, "main.mapShared")
			o.wantLine(1, fmt.Sprintf("%s Frame %#x+0x10000, %s", verb("write to"), sharedBase(3), why))
		})
	}
}
