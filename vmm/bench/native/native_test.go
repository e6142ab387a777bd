package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"barreleye/vmm/bench/peers"
)

// TestNative compiles each peer and has it pass a few messages, which it checks.
// Where its package is missing it is skipped, but not in CI.
func TestNative(t *testing.T) {
	for _, p := range Peers {
		t.Run(p.Name, func(t *testing.T) {
			program, err := p.Compile(t.Context(), t.TempDir())
			if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if runtime.NumCPU() < 2 {
				t.Skip("one CPU")
			}
			out, err := exec.CommandContext(t.Context(), program, "0", "1", "2", "50", "5000").Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []peers.Measurement
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var labels []string
			for _, m := range got {
				labels = append(labels, fmt.Sprint(m.Name, m.Params))
				if len(m.Samples) != 2 || m.Samples[0] <= 0 || m.PerSample == 0 {
					t.Errorf("%+v", m)
				}
			}
			var want []string
			for _, ring := range []string{"1024", "4096"} {
				want = append(want, fmt.Sprint(peers.RoundTrip, [][2]string{{"peer", p.Name}, {"ring", ring}, {"pinned", "yes"}}))
				for _, batch := range []string{"1", "32"} {
					want = append(want, fmt.Sprint(peers.Stream, [][2]string{{"peer", p.Name}, {"ring", ring}, {"batch", batch}, {"pinned", "yes"}}))
				}
			}
			if strings.Join(labels, "\n") != strings.Join(want, "\n") {
				t.Errorf("measured\n%s\nwant\n%s", strings.Join(labels, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestMissing names the package of what is not there.
func TestMissing(t *testing.T) {
	p := Peer{Name: "boost_spsc", Package: "libboost-dev", before: []string{"-include", "no/such/header.h"}}
	if _, err := exec.LookPath("g++"); err == nil {
		_, err := p.Compile(t.Context(), t.TempDir())
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install libboost-dev") {
			t.Error(err)
		}
		p.before = []string{"-fno-such-option"}
		if _, err = p.Compile(t.Context(), t.TempDir()); err == nil || errors.Is(err, ErrMissing) {
			t.Error(err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := p.Compile(t.Context(), t.TempDir()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install g++ libboost-dev") {
		t.Error(err)
	}
}
