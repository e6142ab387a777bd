package integration

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/vmm/builtin"
	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/observe"
)

// platform is what the cores of the tests are: virtual machines, unless the
// lane says otherwise.
var platform = cmp.Or(os.Getenv("BARRELEYE_PLATFORM"), multikernel.PlatformKVM)

// unusable is why no core can run here, "" where cores can.
var unusable string

func TestMain(m *testing.M) {
	flag.Parse()
	if platform == multikernel.PlatformKVM {
		if sys, err := kvm.Open(kvm.DevicePath); err != nil {
			unusable = err.Error()
		} else {
			sys.Close()
		}
	}
	os.Exit(m.Run())
}

// onHosted reports whether cores are Linux processes.
func onHosted() bool { return platform == multikernel.PlatformHosted }

// needGuests skips a test of what only a virtual machine has.
func needGuests(t *testing.T, what string) {
	t.Helper()
	if onHosted() {
		t.Skipf("of virtual machines only: %s", what)
	}
}

// inLane reports whether this is the emulated lane, which has no Go.
func inLane() bool { return os.Getenv("BARRELEYE_LANE") != "" }

// lacks skips the test for want of something, and fails it where everything
// has to be there.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s, and CI=true wants every test to run", what)
	}
	t.Skip(what)
}

// scaled returns full, or short with -test.short.
func scaled[T any](full, short T) T {
	if testing.Short() {
		return short
	}
	return full
}

// load returns a built-in image.
func load(t *testing.T, name string, opt image.LoadOptions) *image.Image {
	t.Helper()
	data, err := builtin.Image(name)
	if err != nil {
		t.Fatalf("%v: run make images", err)
	}
	im, err := opt.Load(name, data)
	if err != nil {
		t.Fatalf("%v: run make images", err)
	}
	return im
}

// hang is how long a run may take before it counts as hung, on a host that has other
// things to do too.
func hang() time.Duration { return 4 * time.Minute }

// codeHung is the exit code of a run that was stopped because it hung.
const codeHung = 250

// options returns how a test runs an image: as the command would, with quiet
// terminal.
func options(t *testing.T, im *image.Image, cores int, args ...string) *multikernel.Options {
	t.Helper()
	if unusable != "" {
		lacks(t, unusable)
	}
	return &multikernel.Options{
		Platform: platform, Image: im, Args: args, Cores: cores, Memory: 128 << 20, Pin: "auto", Poll: "auto",
		Tick: 10 * time.Millisecond, HaltPoll: -1, Dir: t.TempDir(), Started: time.Now(), Confined: true,
	}
}

// outcome is what a run left.
type outcome struct {
	*multikernel.Report
	t   *testing.T
	opt *multikernel.Options
}

// boot runs a built-in image on some cores to its end.
func boot(t *testing.T, name string, cores int, args ...string) *outcome {
	t.Helper()
	return run(t, options(t, load(t, name, image.LoadOptions{}), cores, args...))
}

// run runs the options to their end, and fails the test where the VMM does or
// where the run hangs.
func run(t *testing.T, opt *multikernel.Options) *outcome {
	t.Helper()
	var hung atomic.Bool // the run may have been told to end before, by a reason that counts
	if opt.Kick == nil {
		kick := make(chan multikernel.Reason, 1)
		timer := time.AfterFunc(hang(), func() {
			hung.Store(true)
			kick <- multikernel.Reason{Text: "hung", Code: codeHung}
		})
		defer timer.Stop()
		opt.Kick = kick
	}
	report, err := multikernel.Run(opt)
	o := &outcome{Report: report, t: t, opt: opt}
	t.Cleanup(func() {
		if t.Failed() {
			o.show()
		}
	})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if hung.Load() || report.ExitCode == codeHung {
		t.Fatalf("hung: stopped after %v", hang())
	}
	return o
}

// show logs the run's last lines and its table.
func (o *outcome) show() {
	const most = 60
	lines := strings.SplitAfter(o.console(), "\n")
	if n := len(lines) - most; n > 0 {
		lines = append([]string{fmt.Sprintf("(%d lines)\n", n)}, lines[n:]...)
	}
	var table bytes.Buffer
	o.Table(&table)
	o.t.Logf("%s on %d cores, args %q:\n%s%s", o.opt.Image.Name, o.opt.Cores, o.opt.Args, strings.Join(lines, ""), table.String())
}

func (o *outcome) read(name string) []byte {
	b, err := os.ReadFile(filepath.Join(o.opt.Dir, name))
	if err != nil {
		o.t.Error(err)
	}
	return b
}

// log returns what a core printed.
func (o *outcome) log(core int) string { return string(o.read(observe.CoreFile(core))) }

// console returns the lines of all cores and of the VMM, as a terminal shows
// them.
func (o *outcome) console() string {
	var text strings.Builder
	if err := observe.NewReader(bytes.NewReader(o.read(observe.LogFile))).Show(&text, observe.View{}); err != nil {
		o.t.Error(err)
	}
	return text.String()
}

// wantOK wants every core exited with code 0, and the run too.
func (o *outcome) wantOK() {
	o.t.Helper()
	if len(o.Cores) != o.opt.Cores {
		o.t.Fatalf("report of %d cores, want %d", len(o.Cores), o.opt.Cores)
	}
	for _, c := range o.Cores {
		if c.State != "exited" || c.ExitCode != 0 || c.Error != "" {
			o.t.Errorf("core %d: %s with code %d: %s", c.Core, c.State, c.ExitCode, c.Error)
		}
	}
	if o.ExitCode != 0 {
		o.t.Errorf("exit code %d", o.ExitCode)
	}
}

// wantLine wants text in a core's log.
func (o *outcome) wantLine(core int, text string) {
	o.t.Helper()
	if log := o.log(core); !strings.Contains(log, text) {
		o.t.Errorf("the log of core %d lacks %q", core, text)
	}
}

// logged returns the log's lines that begin with prefix.
func (o *outcome) logged(core int, prefix string) (found []string) {
	for line := range strings.Lines(o.log(core)) {
		if strings.HasPrefix(line, prefix) {
			found = append(found, strings.TrimSuffix(line, "\n"))
		}
	}
	return found
}

// wantMaps wants the core's map table to be what a monitor may own: sorted,
// without overlap, nothing both writable and executable, the essential kinds
// present, and the first pages free.
func (o *outcome) wantMaps(c multikernel.CoreReport) {
	o.t.Helper()
	address := func(s string) uint64 {
		v, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			o.t.Errorf("core %d: %v", c.Core, err)
		}
		return v
	}
	last, kinds := uint64(64<<10), []string{}
	for _, m := range c.Maps {
		start, end := address(m.Start), address(m.End)
		if start < last || end <= start {
			o.t.Errorf("core %d: mapping %s-%s (%s) lies below %#x or is empty", c.Core, m.Start, m.End, m.Kind, last)
		}
		if strings.Contains(m.Prot, "w") && strings.Contains(m.Prot, "x") {
			o.t.Errorf("core %d: mapping %s-%s (%s) is %s", c.Core, m.Start, m.End, m.Kind, m.Prot)
		}
		if m.Prot != "r-x" && (m.Kind == "text" || m.Kind == "stubs") || m.Prot != "r--" && m.Kind == "rodata" {
			o.t.Errorf("core %d: %s is %s", c.Core, m.Kind, m.Prot)
		}
		last, kinds = end, append(kinds, m.Kind)
	}
	essential := []string{"text", "rodata", "data", "stack", "region", "anon", "reserved"}
	if !onHosted() {
		essential = append(essential, "driver", "frames", "device")
	}
	for _, kind := range essential {
		if !slices.Contains(kinds, kind) {
			o.t.Errorf("core %d: no mapping of kind %q in %v", c.Core, kind, kinds)
		}
	}
}
