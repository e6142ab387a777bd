package region

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"barreleye/devices/input"
	"barreleye/devices/layout"
	"barreleye/devices/logring"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// area is one thing in the region.
type area struct {
	name       string
	start, end uintptr
	writer     string
}

func areas(v *View) (list []area) {
	add := func(name, writer string, start uintptr, size int) {
		list = append(list, area{name, start, start + uintptr(size), writer})
	}
	at := func(p unsafe.Pointer) uintptr { return uintptr(p) }
	add("header", "vmm", v.base, layout.PageSize)
	add("clock", "vmm", at(unsafe.Pointer(v.Clock())), layout.PageSize)
	add("input data", "vmm", at(unsafe.Pointer(v.Input().Data)), input.Size)
	for i := range v.Cores {
		core := fmt.Sprint("core ", i)
		add(core+" block", core, at(unsafe.Pointer(v.Block(i))), int(unsafe.Sizeof(Block{})))
		add(core+" crash", core, at(unsafe.Pointer(v.Crash(i))), int(unsafe.Sizeof(Crash{})))
		add(core+" maps", core, at(unsafe.Pointer(v.Maps(i))), int(unsafe.Sizeof(*v.Maps(i))))
		add(core+" inbox", "vmm", at(unsafe.Pointer(v.VMM(i))), int(unsafe.Sizeof(VMMBlock{})))
		add(core+" log head", core, at(unsafe.Pointer(v.Log(i).Head)), 8)
		add(core+" log data", core, at(unsafe.Pointer(v.Log(i).Data)), logring.Size)
		add(core+" names", core, at(unsafe.Pointer(v.Names(i))), int(unsafe.Sizeof(*v.Names(i))))
		add(core+" trace", core, v.addr(v.tracePage(i)+namesPages), trace.RingBytes(TraceRecords))
		add(core+" settled", core, at(unsafe.Pointer(v.Settled(i, 0))), 8*v.Cores)
		add(core+" side to the VMM", core, v.addr(v.coreSidePage(i)), urpc.SideBytes(VMMLines))
		add(core+" grants", core, at(unsafe.Pointer(&v.grants(i, 0, 0)[0])), v.Cores*v.Cores*v.PairPages()/8)
		add("VMM's side to "+core, "vmm", v.addr(v.vmmSidePage(i)), urpc.SideBytes(VMMLines))
		add(core+" scratch", core, at(unsafe.Pointer(&v.Scratch(i, i)[0])), len(v.Scratch(i, i)))
		add(core+" broadcast", core, v.BroadcastArea(i), layout.PageSize)
		for j := range v.Cores {
			add(fmt.Sprintf("acknowledgements of %d's broadcast by %d", j, i), core, v.AckArea(i, j), urpc.LineSize)
			if i != j {
				for _, kind := range Channels {
					add(fmt.Sprintf("side %d of %d to %d", kind, i, j), core, v.Side(kind, i, j), urpc.SideBytes(v.Lines(kind)))
				}
				add(fmt.Sprintf("totals of %d towards %d", i, j), core, at(unsafe.Pointer(v.Totals(i, j))), int(unsafe.Sizeof(Totals{})))
				first, last := at(unsafe.Pointer(v.entry(i, j, 0))), at(unsafe.Pointer(v.entry(i, j, v.Entries()-1)))
				add(fmt.Sprintf("directory of %d towards %d", i, j), core, first, int(last-first)+entrySize)
				for _, page := range []int{0, v.PoolPages - SidePages(urpc.MinLines)} {
					mem, err := v.PoolMemory(i, j, page, urpc.MinLines)
					if err != nil {
						panic(err)
					}
					add(fmt.Sprintf("page %d of the pool of %d towards %d", page, i, j), core, at(unsafe.Pointer(&mem[0])), len(mem))
				}
				add(fmt.Sprintf("calls counted by %d to %d", i, j), core, v.CallStatsArea(i, j), layout.PageSize)
			}
			if i < j {
				pool, _ := v.Pages(j, i)
				add(fmt.Sprintf("pages of %d and %d", i, j), fmt.Sprintf("pair %d %d", i, j), at(unsafe.Pointer(&pool[0])), len(pool))
				add(fmt.Sprintf("scratch memory of %d and %d", i, j), fmt.Sprintf("pair %d %d", i, j), at(unsafe.Pointer(&v.Scratch(j, i)[0])), len(v.Scratch(i, j)))
				add(fmt.Sprintf("calls of %d and %d", i, j), fmt.Sprintf("pair %d %d", i, j), v.CallArea(i, j), CallLines*urpc.LineSize)
			}
		}
	}
	return list
}

// TestNoOverlapAndOneWriter: nothing in the region overlaps anything else, all
// of it is inside, and no page has two writers.
func TestNoOverlapAndOneWriter(t *testing.T) {
	for _, cores := range []int{1, 2, 3, 8, 64, 65} {
		v := &View{Geometry: DefaultGeometry(cores)}
		if err := v.Check(); err != nil {
			t.Fatal(err)
		}
		mem, err := syscall.Mmap(-1, 0, int(v.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Munmap(mem)
		v.base = uintptr(unsafe.Pointer(&mem[0]))
		list := areas(v)
		slices.SortFunc(list, func(a, b area) int { return int(a.start) - int(b.start) })
		writers := map[uintptr]string{}
		for i, a := range list {
			if a.end > v.base+uintptr(v.Size()) {
				t.Fatalf("%d cores: %s ends outside the region", cores, a.name)
			}
			if i > 0 && list[i-1].end > a.start {
				t.Fatalf("%d cores: %s overlaps %s", cores, list[i-1].name, a.name)
			}
			for p := a.start / layout.PageSize; p <= (a.end-1)/layout.PageSize; p++ {
				if w, ok := writers[p]; ok && w != a.writer {
					t.Fatalf("%d cores: %s of %s shares a page with %s", cores, a.name, a.writer, w)
				}
				writers[p] = a.writer
				if area, _ := v.At(int(p - v.base/layout.PageSize)); writerOf(area) != a.writer {
					t.Fatalf("%d cores: %s of %s lies on %v", cores, a.name, a.writer, area)
				}
			}
		}
	}
}

// writerOf names an area's writers as areas does.
func writerOf(a Area) string {
	switch len(a.Writers) {
	case 0:
		return "vmm"
	case 1:
		return fmt.Sprint("core ", a.Writers[0])
	}
	return fmt.Sprintf("pair %d %d", a.Writers[0], a.Writers[1])
}

func TestTooLarge(t *testing.T) {
	if err := (Geometry{Cores: 512, RingLines: 16384}).Check(); err == nil {
		t.Error("a region beyond its limit was accepted")
	}
}

// TestVersionMismatch: a region of another version is refused by name.
func TestVersionMismatch(t *testing.T) {
	mem := make([]uint64, 1<<19)
	base := uintptr(unsafe.Pointer(&mem[0]))
	base = (base + layout.PageSize - 1) &^ (layout.PageSize - 1)
	v, err := Format(base, Geometry{Cores: 1, RingLines: 64})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(v); err != nil {
		t.Errorf("a fresh region: %v", err)
	}
	v.Header().Version++
	if err := Check(v); err == nil {
		t.Error("a region of another version was accepted")
	}
}

// TestBroadcastViews: every core finds the broadcast and the acknowledgements of
// every other one, and what one writes there is what the other reads.
func TestBroadcastViews(t *testing.T) {
	const cores = 3
	v := &View{Geometry: Geometry{Cores: cores, RingLines: 64}}
	mem, err := syscall.Mmap(-1, 0, int(v.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mem)
	v.base = uintptr(unsafe.Pointer(&mem[0]))
	for writer := range cores {
		b, err := v.OpenBroadcast(writer)
		if err != nil {
			t.Fatal(err)
		}
		member := (writer + 1) % cores
		ack, err := v.OpenAck(member, writer)
		if err != nil {
			t.Fatal(err)
		}
		link := urpc.Link{Epoch: 1}
		from, err := urpc.NewBroadcaster(b.Ring, b.Tx, []*urpc.Control{ack}, []urpc.Link{link})
		if err != nil {
			t.Fatal(err)
		}
		to, err := urpc.NewReceiver(b.Ring, ack, b.Tx, link)
		if err != nil {
			t.Fatal(err)
		}
		for k := range uint64(3 * urpc.BroadcastLines) { // waits for acknowledgements
			m := urpc.Message{Words: [urpc.WordCount]uint64{k + uint64(writer)}}
			if err := from.TrySend(&m); err != nil {
				t.Fatal(writer, k, err)
			}
			m = urpc.Message{}
			if err := to.TryRecv(&m); err != nil || m.Words[0] != k+uint64(writer) {
				t.Fatal(writer, k, m, err)
			}
		}
	}
}

// TestPageAt: addresses of pages lead back to their pools, and others nowhere.
func TestPageAt(t *testing.T) {
	for _, cores := range []int{1, 2, 3, 9, 64} {
		v := &View{Geometry: Geometry{Cores: cores, RingLines: 64}, base: layout.RegionVA}
		all, err := v.Pairs()
		if err != nil {
			t.Fatal(err)
		}
		start := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(all))))
		end := start + uint64(len(all))
		outside := []uint64{start - 1, start, end, 0, ^uint64(0)}
		for a := range cores {
			for b := a + 1; b < cores; b++ {
				pool, err := v.Pages(b, a)
				if err != nil {
					t.Fatal(err)
				}
				first := uint64(uintptr(unsafe.Pointer(&pool[0])))
				if first < start || first+uint64(len(pool)) > end {
					t.Fatalf("%d cores: the pool of %d and %d is not within the pairs' memory", cores, a, b)
				}
				outside = append(outside, first-1, first+uint64(len(pool)))
				for _, page := range []int{0, 7, v.PairPages() - 1} {
					x, y, n, ok := v.PageAt(first + uint64(page)*layout.PageSize + 99)
					if x != a || y != b || n != page || !ok {
						t.Errorf("%d cores: page %d of %d and %d is found as %d of %d and %d, %v", cores, page, a, b, n, x, y, ok)
					}
				}
			}
		}
		for _, out := range outside {
			if a, b, page, ok := v.PageAt(out); ok {
				t.Errorf("%d cores: %#x is found as page %d of %d and %d", cores, out, page, a, b)
			}
		}
	}
}
