package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"barreleye/devices/layout"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"

	"golang.org/x/arch/x86/x86asm"
)

// storm is what a core of the image prints.
type storm struct {
	Checks  map[string]uint64 `json:"checks"`
	Noted   map[uint64]uint64 `json:"noted"`
	Stepped uint64            `json:"stepped"`
}

// instruction is one of the driver's critical text.
type instruction struct {
	fn, text string
	entry    bool   // the first one of fn
	hits     uint64 // interrupts that came just before it
}

// windows are the functions of the critical text that each run goes through.
var windows = []string{"syscallEntry", "interruptEntry", "exceptionEntry", "leave"}

// criticalText returns the instructions of the windows by their offsets in the
// critical text.
func criticalText(t *testing.T, im *image.Image) map[uint64]*instruction {
	t.Helper()
	first, end := im.Table[layout.TableCritical], im.Table[layout.TableCriticalEnd]
	var code []byte
	for _, s := range im.Segments {
		if s.VA <= first && end <= s.VA+uint64(len(s.Data)) {
			code = s.Data[first-s.VA : end-s.VA]
		}
	}
	out := map[uint64]*instruction{}
	seen := map[string]bool{}
	for at := uint64(0); at < uint64(len(code)); {
		in, err := x86asm.Decode(code[at:], 64)
		if err != nil {
			t.Fatalf("critical text + %d: %v", at, err)
		}
		name, _, _, _, ok := im.Symbol(first + at)
		if !ok {
			t.Fatalf("critical text + %d is in no function", at)
		}
		fn := strings.TrimSuffix(name[strings.LastIndex(strings.TrimSuffix(name, ".abi0"), ".")+1:], ".abi0")
		for _, w := range windows {
			// what pads a function is never run
			if fn == w && in.Op != x86asm.INT && in.Op != x86asm.NOP {
				out[at] = &instruction{fn: fn, text: x86asm.GoSyntax(in, first+at, nil), entry: !seen[fn]}
				seen[fn] = true
			}
		}
		at += uint64(in.Len)
	}
	if len(seen) != len(windows) {
		t.Fatalf("of the windows %v only %v were found", windows, seen)
	}
	return out
}

// weather runs the image storm with interrupts noted, and adds where they came.
func weather(t *testing.T, opt *multikernel.Options, text map[uint64]*instruction) (stepped uint64) {
	t.Helper()
	opt.Memory, opt.Debug = 256<<20, []string{multikernel.DebugInterrupts}
	o := run(t, opt)
	o.wantOK()
	for i := range opt.Cores {
		var s storm
		line := o.log(i)
		at := strings.Index(line, `{"seed"`)
		if at < 0 {
			t.Fatalf("core %d printed no result: %q", i, line)
		}
		if err := json.NewDecoder(strings.NewReader(line[at:])).Decode(&s); err != nil {
			t.Fatalf("core %d: %v: %q", i, err, line)
		}
		for name, n := range s.Checks {
			if n == 0 {
				t.Errorf("core %d: nothing was checked of %s", i, name)
			}
		}
		t.Logf("core %d: %v", i, s.Checks)
		for at, n := range s.Noted {
			if in := text[at]; in != nil {
				in.hits += n
			}
		}
		stepped += s.Stepped
	}
	return stepped
}

// TestStorm: ticks and doorbells at random times, into everything that the driver
// does, and every register of every thread is kept. It goes on until interrupts
// have come in each of the driver's windows.
func TestStorm(t *testing.T) {
	needGuests(t, "a process has no driver")
	for _, way := range []struct {
		name string
		load image.LoadOptions
	}{{"patched", image.LoadOptions{}}, {"trapped", image.LoadOptions{NoPatch: true}}} {
		t.Run(way.name, func(t *testing.T) {
			im := load(t, "storm", way.load)
			text := criticalText(t, im)
			missing := "every window"
			for turn := 0; missing != ""; turn++ {
				if turn == 10 {
					t.Fatalf("no interrupt came in %s", missing)
				}
				seed := time.Now().UnixNano() % 1e9
				t.Logf("seed %d", seed)
				opt := options(t, im, 2, "-for", scaled("20s", "4s"), "-seed", fmt.Sprint(seed))
				opt.Tick = scaled(200*time.Microsecond, time.Millisecond)
				opt.TickSpread = opt.Tick
				weather(t, opt, text)
				missing = ""
				for _, w := range windows {
					hits, places := uint64(0), 0
					for _, in := range text {
						if in.fn == w && in.hits > 0 {
							hits += in.hits
							places++
						}
					}
					t.Logf("%s: %d interrupts at %d instructions", w, hits, places)
					if places == 0 {
						missing = w
					}
				}
			}
		})
	}
}

// TestInterruptAtEachInstruction steps through the driver's windows with an
// interrupt at each of their instructions, and all registers are kept. The first
// instructions of those that CPL0 returns to cannot be stepped to: TestStorm's
// interrupts are there most of all.
func TestInterruptAtEachInstruction(t *testing.T) {
	needGuests(t, "a process has no driver")
	im := load(t, "storm", image.LoadOptions{})
	text := criticalText(t, im)
	opt := options(t, im, 1, "-steps", "-seed", fmt.Sprint(time.Now().UnixNano()%1e9))
	opt.Tick = 0
	t.Logf("%d instructions stepped", weather(t, opt, text))
	for at, in := range text {
		if in.hits == 0 && !(in.entry && (in.fn == "interruptEntry" || in.fn == "exceptionEntry")) {
			t.Errorf("no interrupt came at %s, offset %d: %s", in.fn, at, in.text)
		}
	}
}
