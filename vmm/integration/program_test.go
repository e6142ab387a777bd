package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
)

func TestPingpong(t *testing.T) {
	o := boot(t, "pingpong", 3, "-n", fmt.Sprint(scaled(2_000, 500))) // each a wake-up where the CPUs are busy
	o.wantOK()
	for _, kind := range []string{"call: ", "ring: "} {
		t.Log(o.logged(0, kind))
		o.wantLine(0, kind)
	}
}

func TestStream(t *testing.T) {
	n := scaled(1_000_000, 50_000)
	o := boot(t, "stream", 3, "-n", fmt.Sprint(n))
	o.wantOK()
	o.wantLine(0, fmt.Sprintf("sent %d messages", n))
	o.wantLine(1, fmt.Sprintf("received and checked %d messages", n))
	t.Log(o.logged(1, "received"))
	if got := o.Cores[1].Received; got < uint64(n) {
		t.Errorf("core 1 reports %d messages received, %d were sent to it", got, n)
	}
}

// soakFor returns how long to soak: where Linux is the kernel there is less to
// find, and the emulated lane is slow.
func soakFor(full time.Duration) time.Duration {
	if onHosted() {
		return full / 5
	}
	return scaled(full, 8*time.Second)
}

// soak runs the soak image with ticks that come often, at random times.
func soak(t *testing.T, im *image.Image, cores int, length time.Duration) {
	t.Helper()
	seed := fmt.Sprint(time.Now().UnixNano() % 1e9) // printed by the image
	opt := options(t, im, cores, "-for", length.String(), "-seed", seed)
	opt.Memory = 256 << 20
	opt.Populate = true
	opt.Tick = scaled(time.Millisecond, 5*time.Millisecond)
	opt.TickSpread = opt.Tick
	o := run(t, opt)
	o.wantOK()
	for i, c := range o.Cores {
		o.wantLine(i, "soak: ok: ")
		t.Log(o.logged(i, "soak: "))
		t.Logf("core %d: %d ticks, %d preemptions, %d signals, %d exceptions, %d TLB flushes, %d halts", i, c.Ticks, c.Preemptions, c.Signals, c.Exceptions, c.Flushes, c.Halts)
		o.wantMaps(c)
		if !onHosted() && (c.Preemptions == 0 || c.Exceptions == 0 || c.Ticks == 0) {
			t.Errorf("core %d: a soak without ticks, preemptions or exceptions shows nothing", i)
		}
	}
}

func TestSoak(t *testing.T) {
	cores := scaled([]int{2, 4}, []int{2})
	for _, n := range cores {
		t.Run(fmt.Sprintf("%d cores", n), func(t *testing.T) {
			soak(t, load(t, "soak", image.LoadOptions{}), n, soakFor(40*time.Second))
		})
	}
}

// nextGo is the release after the one this module asks for.
const nextGo = "go1.27.1"

func TestSoakBuiltByNextGo(t *testing.T) {
	if inLane() {
		t.Skip("this lane has no Go; the host's lane builds and runs it")
	}
	if _, err := exec.LookPath("go"); err != nil {
		lacks(t, fmt.Sprintf("no Go to build with: %v", err))
	}
	file := filepath.Join(t.TempDir(), "soak.elf")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", file, "../../images/soak")
	build.Env = append(os.Environ(), "GOTOOLCHAIN="+nextGo, "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(out))
		if strings.Contains(text, "toolchain") {
			lacks(t, fmt.Sprintf("%s cannot be had: %s", nextGo, text))
		}
		t.Fatalf("%v: %s", err, text)
	}
	im, err := image.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if left := im.Unpatched(); len(left) != 0 {
		t.Errorf("system calls that were not patched: %v", left)
	}
	soak(t, im, 2, soakFor(50*time.Second))
}

func TestSoakByTrapRoute(t *testing.T) {
	needGuests(t, "system calls are Linux's")
	opt := options(t, load(t, "soak", image.LoadOptions{NoPatch: true}), 2, "-for", scaled("5s", "3s"))
	opt.Memory = 256 << 20
	opt.Tick = scaled(2*time.Millisecond, 10*time.Millisecond)
	o := run(t, opt)
	o.wantOK()
	for i := range o.Cores {
		o.wantLine(i, "soak: ok: ")
	}
}

func TestMemoryCalls(t *testing.T) {
	for _, populate := range []bool{false, true} {
		t.Run(fmt.Sprintf("populated %v", populate), func(t *testing.T) {
			opt := options(t, load(t, "memory", image.LoadOptions{}), 2,
				"-n", fmt.Sprint(scaled(1500, 200)), "-churn", "160", "-seed", fmt.Sprint(time.Now().UnixNano()%1e9))
			if opt.Populate = populate; populate { // what is populated stays so
				opt.Args = append(opt.Args, "-hold", "2")
			}
			opt.Tick = scaled(time.Millisecond, 10*time.Millisecond)
			o := run(t, opt)
			o.wantOK()
			for i, c := range o.Cores {
				o.wantLine(i, "memory: ok: ")
				o.wantMaps(c)
			}
		})
	}
}

func TestSleepsAreNotRoundedToMilliseconds(t *testing.T) {
	for _, length := range []string{"50us", "300us", "2ms"} {
		o := boot(t, "probe", 1, "-n", fmt.Sprint(scaled(300, 100)), "-d", length, "sleeps")
		o.wantOK()
		t.Log(o.logged(0, "")) // the image checks that none is too short
	}
}

func TestClocksOfCoresAgree(t *testing.T) {
	// long enough for the VMM to steer the clock a few times
	o := boot(t, "probe", 2, "-d", scaled("4s", "2s"), "clocks")
	o.wantOK()
	for i := range 2 {
		o.wantLine(i, "clocks agree over")
		t.Log(o.logged(i, "clocks"))
	}
}

func TestRandomBytesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		o := boot(t, "probe", 2, "random")
		o.wantOK()
		for i := range 2 {
			lines := o.logged(i, "random ")
			if len(lines) != 3 {
				t.Fatalf("core %d printed %d kinds of random bytes, want 3", i, len(lines))
			}
			for _, line := range lines {
				bytes := strings.Fields(line)[2]
				if seen[bytes] || strings.Trim(bytes, "0") == "" {
					t.Errorf("core %d: %s came before, or is zero", i, line)
				}
				seen[bytes] = true
			}
		}
	}
}

func TestUnservedCallsFailInGoodOrder(t *testing.T) {
	needGuests(t, "Linux serves all calls")
	o := boot(t, "probe", 1, "unserved")
	o.wantOK()
	o.wantLine(0, "network is unreachable")
	if n := o.Cores[0].Unserved; n == 0 {
		t.Error("no call that is not served was counted")
	}
	if n := len(o.logged(0, "system call 121 ")); n != 1 {
		t.Errorf("call 121 was named %d times in the log, want once", n)
	}
}

func TestInterruptedPipeWritesLoseNothing(t *testing.T) {
	o := boot(t, "probe", 1, "signals")
	o.wantOK()
	o.wantLine(0, "whole in spite of signals")
}
