package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/builtin"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

func TestHello(t *testing.T) {
	for _, cores := range []int{1, 2, 4, 8} {
		t.Run(fmt.Sprintf("%d cores", cores), func(t *testing.T) {
			o := boot(t, "hello", cores)
			o.wantOK()
			wantHello(o)
			for _, c := range o.Cores {
				if c.Traps != 0 || c.Syscalls == 0 && !onHosted() {
					t.Errorf("core %d: %d system calls, %d of them by the trap route; want none by it", c.Core, c.Syscalls, c.Traps)
				}
				if c.Unserved != 0 {
					t.Errorf("core %d: %d system calls not served, want none", c.Core, c.Unserved)
				}
				o.wantMaps(c)
			}
		})
	}
}

// wantHello wants what the hello image does on every core.
func wantHello(o *outcome) {
	o.t.Helper()
	n := len(o.Cores)
	for i, c := range o.Cores {
		if c.Core != i || c.Hellos != uint64(n-1) {
			o.t.Errorf("core %d reported as %d: %d hellos, want %d", i, c.Core, c.Hellos, n-1)
		}
		// one hello of the monitors and one greeting of the programs for each peer
		if want := uint64(2 * (n - 1)); c.Sent != want || c.Received != want {
			o.t.Errorf("core %d: %d messages sent, %d received, want %d", i, c.Sent, c.Received, want)
		}
		if c.FramesUsed == 0 || c.FramesTotal != o.opt.Memory/4096 || c.FramesUsed > c.FramesTotal {
			o.t.Errorf("core %d: %d of %d frames used, %d MiB of memory", i, c.FramesUsed, c.FramesTotal, o.opt.Memory>>20)
		}
		if c.BootMS <= 0 || c.ResidentKiB <= 0 {
			o.t.Errorf("core %d: %v ms to main, %d KiB resident", i, c.BootMS, c.ResidentKiB)
		}
		want := fmt.Sprintf("hello from core %d of %d\ncore %d heard from all %d others\n", i, n, i, n-1)
		if got := o.log(i); got != want {
			o.t.Errorf("core %d printed %q, want %q", i, got, want)
		}
		for line := range strings.Lines(want) {
			if !strings.Contains(o.console(), fmt.Sprintf("[%d] %s", i, line)) {
				o.t.Errorf("the console lacks %q of core %d", line, i)
			}
		}
	}
}

func TestHelloByTrapRoute(t *testing.T) {
	needGuests(t, "system calls are Linux's")
	o := run(t, options(t, load(t, "hello", image.LoadOptions{NoPatch: true}), 2))
	o.wantOK()
	wantHello(o)
	for _, c := range o.Cores {
		if c.Traps == 0 {
			t.Errorf("core %d: no trap in %d system calls; without patches each traps", c.Core, c.Syscalls)
		}
	}
}

func TestHelloWithOtherSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*multikernel.Options)
	}{
		{"no tick", func(o *multikernel.Options) { o.Tick = 0 }},
		{"short tick", func(o *multikernel.Options) { o.Tick = scaled(200*time.Microsecond, 2*time.Millisecond) }},
		{"no polling", func(o *multikernel.Options) { o.Poll, o.HaltPoll = "0", 0 }},
		{"long polling", func(o *multikernel.Options) { o.Poll = "5ms" }},
		{"not pinned", func(o *multikernel.Options) { o.Pin = "none" }},
		{"one CPU", func(o *multikernel.Options) { o.Pin = "0" }},
		{"populated", func(o *multikernel.Options) { o.Populate = true }},
		{"little memory", func(o *multikernel.Options) { o.Memory = 32 << 20 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := options(t, load(t, "hello", image.LoadOptions{}), 3)
			c.change(opt)
			o := run(t, opt)
			o.wantOK()
			wantHello(o)
		})
	}
}

func TestArgumentsAndEnvironmentArrive(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 1, "environment", "two words", "", "ünïcode")
	opt.Env = []string{"A=1", "EMPTY=", "LONG=" + strings.Repeat("x", 5000)}
	o := run(t, opt)
	o.wantOK()
	o.wantLine(0, `args ["probe" "environment" "two words" "" "ünïcode"]`)
	o.wantLine(0, `env ["A=1" "EMPTY=" "LONG=`+strings.Repeat("x", 5000)+`"]`)
}

func TestBadOptionsAreExplainedInOneLine(t *testing.T) {
	im := load(t, "hello", image.LoadOptions{})
	for _, c := range []struct {
		name, want string
		change     func(*multikernel.Options)
	}{
		{"no core", "--cores", func(o *multikernel.Options) { o.Cores = 0 }},
		{"too many cores", "--cores", func(o *multikernel.Options) { o.Cores = multikernel.MaxCores + 1 }},
		{"too little memory", "--memory", func(o *multikernel.Options) { o.Memory = 2 << 20 }},
		{"too much memory", "--memory", func(o *multikernel.Options) { o.Memory = 1 << 50 }},
		{"odd memory", "--memory", func(o *multikernel.Options) { o.Memory = 64<<20 + 4096 }},
		{"unknown CPU", "--pin", func(o *multikernel.Options) { o.Pin = "0,4095" }},
		{"no CPU", "--pin", func(o *multikernel.Options) { o.Pin = "first" }},
		{"fast tick", "--tick", func(o *multikernel.Options) { o.Tick = time.Microsecond }},
		{"bad poll", "--poll", func(o *multikernel.Options) { o.Poll = "often" }},
		{"no folder", "--dir", func(o *multikernel.Options) { o.Dir = "/no/such/folder" }},
		{"long arguments", "arguments", func(o *multikernel.Options) { o.Args = []string{strings.Repeat("x", 1<<20)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := options(t, im, 2)
			c.change(opt)
			_, err := multikernel.Run(opt)
			wantExplained(t, err, c.want)
		})
	}
}

func TestBadImagesAreExplainedInOneLine(t *testing.T) {
	hello, err := builtin.Image("hello")
	if err != nil {
		t.Fatalf("%v: run make images", err)
	}
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "go build", nil},
		{"text", "go build", []byte("#!/bin/sh\necho no guest\n")},
		{"half an image", "build", hello[:len(hello)/2]},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := image.Load(c.name, c.data)
			wantExplained(t, err, c.want)
		})
	}
}

func wantExplained(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if s := err.Error(); strings.Contains(s, "\n") || !strings.Contains(s, want) {
		t.Errorf("error %q: want one line that names %q", s, want)
	}
}
