package autopsy

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/names"
	"barreleye/vmm/hostmem/regiontest"
	"barreleye/vmm/image"
	"barreleye/vmm/postmortem"
)

// harmless wants text that a terminal prints and nothing else.
func harmless(t *testing.T, text string) {
	t.Helper()
	for i, c := range text {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Fatalf("character %d of the page is %q", i, c)
		}
	}
}

// TestRecordIsKept writes a record, finds it among others and shows it.
func TestRecordIsKept(t *testing.T) {
	dir := t.TempDir()
	for _, life := range []uint64{9, 10, 2} {
		r := Record{Image: "kv", Platform: "kvm (pvm)", Core: 1, Life: life, End: "core 1: it fell over",
			Threads:  []Thread{{TID: 1, What: "running", Registers: "rip=0x1 rsp=0x2", Stack: []string{"main.f+0x1 (main.go:7)"}}, {TID: 2, What: "in futex"}},
			Channels: []Channel{{Peer: 0, Sent: true, Name: "program", Messages: 7, Taken: 6, Last: []string{"7: type 1, 1 bytes: ff"}}},
			Lines:    []string{"last\twords \x1b[31mred\x07"},
		}
		if err := r.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "core-1.life-99999.autopsy.jsonx"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := Lives(dir, 0, 0); err != nil || len(names) != 0 {
		t.Errorf("core 0 has %v, %v", names, err)
	}
	if names, err := Lives(dir, 1, 9); err != nil || len(names) != 1 || filepath.Base(names[0]) != FileName(1, 9) {
		t.Errorf("life 9 is in %v, %v", names, err)
	}
	names, err := Lives(dir, -1, 0)
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != FileName(1, 10) {
		t.Fatalf("the last life is in %v, %v", names, err)
	}
	r, err := Read(names[0])
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.Show(&page); err != nil {
		t.Fatal(err)
	}
	harmless(t, page.String())
	for _, want := range []string{"core 1, life 10 of kv on kvm (pvm)", "it fell over", "rip=0x1 rsp=0x2", "main.f+0x1 (main.go:7)",
		"thread 2, in futex", "to core 0, program: 7 messages, 6 of them received, the last 7: type 1, 1 bytes: ff", "last words"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}

// TestCaptureOfAnything: a region full of noise is read without harm.
func TestCaptureOfAnything(t *testing.T) {
	view, memory := regiontest.New(t, region.DefaultGeometry(3))
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for i := 4096; i+8 <= len(memory); i += 8 {
		if w := r.Uint64(); w&1 == 0 {
			for b := range 8 {
				memory[i+b] = byte(w >> (8 * b) >> (w & 63))
			}
		}
	}
	s := Subject{View: view, Core: 1, Image: &image.Image{Name: "noise"}, Remains: noise{r}}
	record := s.Capture()
	record.Channels = s.Channels()
	var page bytes.Buffer
	if err := record.Show(&page); err != nil {
		t.Fatal(err)
	}
	harmless(t, page.String())
	if n := strings.Count(page.String(), "\n"); n > 120 {
		t.Errorf("seed %d: a page of %d lines", seed, n)
	}
	if err := record.Write(t.TempDir()); err != nil {
		t.Error(err)
	}
}

// TestDecisions: what a core had decided and not all had confirmed is shown.
func TestDecisions(t *testing.T) {
	view, _ := regiontest.New(t, region.DefaultGeometry(3))
	lock, err := names.Lock(1, "door")
	if err != nil {
		t.Fatal(err)
	}
	decided := agreement.Record{Seq: 7, Epoch: 4, Op: lock, All: true, To: cores.Of(0, 2)}
	decided.Store(&view.Decisions(1)[5])
	s := Subject{View: view, Core: 1, Image: &image.Image{Name: "names"}}
	var page bytes.Buffer
	if err := s.Capture().Show(&page); err != nil {
		t.Fatal(err)
	}
	want := "decisions that not all cores had confirmed\n  7 in view 4, two phases, with cores [0 2]: lock \"door\" by core 1\n"
	if !strings.Contains(page.String(), want) {
		t.Errorf("the page lacks %q:\n%s", want, page.String())
	}
}

// TestFrames: what of frames a core had mapped is shown by their names.
func TestFrames(t *testing.T) {
	view, _ := regiontest.New(t, region.DefaultGeometry(3))
	view.Maps(1)[0] = boot.Mapping{Start: 0x400000, End: 0x500000, Kind: boot.KindText, Prot: boot.Read | boot.Exec}
	view.Maps(1)[1] = boot.Mapping{Start: layout.FrameVA, End: layout.FrameVA + 0x3000, Kind: boot.KindFrame, Prot: boot.Read, Frame: 0x4002800}
	view.Block(1).MapCount.Store(2)
	s := Subject{View: view, Core: 1, Image: &image.Image{Name: "frames"}}
	var page bytes.Buffer
	if err := s.Capture().Show(&page); err != nil {
		t.Fatal(err)
	}
	want := "frames that were mapped\n  Frame 0x4002800000+0x3000 at 0x7d0000000000, for reading\n"
	if !strings.Contains(page.String(), want) {
		t.Errorf("the page lacks %q:\n%s", want, page.String())
	}
}

// noise is a core of which everything may be anything.
type noise struct{ r *rand.Rand }

func (n noise) Threads() []postmortem.Thread {
	list := make([]postmortem.Thread, n.r.IntN(300))
	for i := range list {
		list[i] = postmortem.Thread{TID: int(n.r.Int64()), What: "\x1b[2J", Regs: postmortem.Registers{RIP: n.r.Uint64(), RSP: n.r.Uint64(), RBP: n.r.Uint64()}}
	}
	return list
}

func (n noise) Ranges() []postmortem.Range {
	list := make([]postmortem.Range, n.r.IntN(300))
	for i := range list {
		list[i] = postmortem.Range{Start: n.r.Uint64(), End: n.r.Uint64(), Prot: uint8(n.r.Uint64()), Kind: "ram"}
	}
	return list
}

func (n noise) ReadAt(b []byte, _ uint64) int {
	for i := range b {
		b[i] = byte(n.r.Uint64())
	}
	return n.r.IntN(len(b) + 1)
}

func (n noise) Backed(uint64) bool { return n.r.IntN(2) == 0 }

// FuzzDecode: a file with anything in it is a record that can be shown, or an
// error.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"core":1,"life":2,"threads":[{"tid":1,"registers":"rip=0x1","stack":["a","b"]}],"channels":[{"last":["x"]}],"lines":["\u001b"]}`))
	f.Add([]byte(`{"image":"` + strings.Repeat("\\u0000", 500) + `"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			return
		}
		var page bytes.Buffer
		if err := r.Show(&page); err != nil {
			t.Fatal(err)
		}
		harmless(t, page.String())
		if n := page.Len(); n > 256<<10 {
			t.Fatalf("a page of %d bytes", n)
		}
	})
}
