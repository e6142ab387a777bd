package integration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"

	"golang.org/x/sys/unix"
)

// identity is what a life says of itself (images/probe).
type identity struct {
	Core, Cores                int
	Life, Epoch                uint64
	Lives                      []uint64
	Initialised, Wall          int64
	Since                      time.Duration
	Monotonic                  uint64
	Getrandom, Crypto, Runtime string
}

// hostTime is the host's clocks, in nanoseconds.
type hostTime struct{ wall, monotonic int64 }

func readHostTime(t *testing.T) hostTime {
	t.Helper()
	var m unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &m); err != nil {
		t.Error(err)
	}
	return hostTime{time.Now().UnixNano(), m.Nano()}
}

const (
	// clockSlack is how far a guest's clocks may be off the host's.
	clockSlack = 200 * time.Millisecond
	// lifeApart is how much later than a template, or a copy made ahead, a life begins: a
	// clock that stood still meanwhile, or began anew, is off by more than the slack.
	lifeApart = 2 * clockSlack
)

// TestIdentityOfLives: cores that are restarted or added know who they and the others
// are and what time it is, and draw numbers of their own, be they copies or not.
func TestIdentityOfLives(t *testing.T) {
	for _, clone := range []bool{false, true} {
		t.Run(fmt.Sprintf("clone %v", clone), func(t *testing.T) {
			if clone {
				needGuests(t, "processes are started, not copied")
			}
			testIdentity(t, clone)
		})
	}
}

func testIdentity(t *testing.T, clone bool) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "identity")
	opt.Clone, opt.Room = clone, 3
	// What the lives should say, in order, and between which times.
	type birth struct {
		core, cores int
		lives       []uint64
		from, to    hostTime
	}
	births := []birth{{0, 2, []uint64{1, 1, 0}, readHostTime(t), hostTime{}}, {1, 2, []uint64{1, 1, 0}, readHostTime(t), hostTime{}}}
	lives := []uint64{1, 1, 0}
	o := command(t, opt, "members [1 1 0]", func(do func(multikernel.Command) multikernel.Reply) {
		births[0].to = readHostTime(t)
		births[1].to = births[0].to
		cores := 2
		for _, cmd := range []multikernel.Command{
			{Op: multikernel.OpRestart, Core: 1},
			{Op: multikernel.OpRestart, Core: 1}, // of copies, one that was made ahead
			{Op: multikernel.OpAdd, Core: 2},
			{Op: multikernel.OpRestart, Core: 0},
			{Op: multikernel.OpRestart, Core: 2},
			{Op: multikernel.OpStop, Core: 2},
			{Op: multikernel.OpAdd, Core: 2},
		} {
			if cmd.Op == multikernel.OpStop {
				do(cmd)
				await(t, opt, fmt.Sprintf("[0.2] members %v\n", []uint64{lives[0], lives[1], 0}))
				continue
			}
			time.Sleep(lifeApart) // the passing of time is what is tested
			core := cmd.Core
			if cmd.Op == multikernel.OpAdd {
				cmd.Core, cores = 0, 3
			}
			lives[core]++
			b := birth{core: core, cores: cores, lives: slices.Clone(lives), from: readHostTime(t)}
			if r := do(cmd); r.Err != nil || r.Core != core || r.Life != lives[core] {
				t.Errorf("%v: core %d, life %d, %v; want core %d, life %d", cmd.Op, r.Core, r.Life, r.Err, core, lives[core])
			}
			for i, life := range b.lives[:cores] { // all cores see it
				tag := fmt.Sprintf("[%d.%d]", i, life)
				if life == 1 {
					tag = fmt.Sprintf("[%d]", i)
				}
				await(t, opt, fmt.Sprintf("%s members %v\n", tag, b.lives))
			}
			b.to = readHostTime(t)
			births = append(births, b)
		}
		do(multikernel.Command{Op: multikernel.OpShutdown})
	})
	said := make([][]identity, 3)
	drawn := map[string]string{}
	for core := range said {
		for _, line := range o.logged(core, "identity ") {
			var id identity
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "identity ")), &id); err != nil {
				t.Fatalf("core %d: %v: %q", core, err, line)
			}
			said[core] = append(said[core], id)
			who := fmt.Sprintf("life %d of core %d", len(said[core]), core)
			for _, number := range []string{id.Getrandom, id.Crypto, id.Runtime} {
				if other, ok := drawn[number]; ok {
					t.Errorf("%s drew %s, as did %s", who, number, other)
				}
				drawn[number] = who
			}
		}
	}
	for _, b := range births {
		life := b.lives[b.core]
		if uint64(len(said[b.core])) < life {
			t.Fatalf("core %d has said who it is in %d lives, want %d", b.core, len(said[b.core]), life)
		}
		id, who := said[b.core][life-1], fmt.Sprintf("life %d of core %d", life, b.core)
		if id.Core != b.core || id.Life != life || id.Cores != b.cores || !slices.Equal(id.Lives, b.lives) {
			t.Errorf("%s says it is life %d of core %d of %d, and that %v live; want core %d of %d and %v", who, id.Life, id.Core, id.Cores, id.Lives, b.core, b.cores, b.lives)
		}
		if id.Epoch != uint64(b.cores) { // it has seen itself, and each of the others come
			t.Errorf("%s is in epoch %d, want %d", who, id.Epoch, b.cores)
		}
		between := func(what string, from, at, to int64) {
			if from-int64(clockSlack) > at || at > to+int64(clockSlack) {
				t.Errorf("%s: %s is %v after the host's before it was asked for, and %v before that when it had spoken", who, what, time.Duration(at-from), time.Duration(to-at))
			}
		}
		between("the wall clock in init", b.from.wall, id.Initialised, b.to.wall)
		between("the wall clock", b.from.wall, id.Wall, b.to.wall)
		between("the monotonic clock", b.from.monotonic, int64(id.Monotonic), b.to.monotonic)
		between("the time since init", 0, int64(id.Since), b.to.monotonic-b.from.monotonic)
	}
}
