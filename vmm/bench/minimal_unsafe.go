package bench

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/doorbell"
	"barreleye/devices/layout"
	"barreleye/devices/power"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/vmm/image"
)

// Addresses that the minimal guest uses (minimal_amd64.s).
const (
	paramVA    = 0x60_0000
	pendingVA  = paramVA + 40
	coreVA     = layout.BootVA + coreAt
	apicEOI    = layout.APICVA + 0xb0
	powerVA    = layout.PowerVA
	powerExit  = int(power.Exit)
	doorbellVA = layout.DoorbellVA + doorbell.Stride // core 1's

	coreAt    = 16 // offset of boot.Page.Core
	textVA    = layout.ImageVA
	stubAt    = 32 * 16
	programAt = stubAt + 64
)

const _ = -(unsafe.Offsetof(boot.Page{}.Core) - coreAt)

func minimalText()
func minimalEnd()

// minimalBounds are the addresses of minimalText and minimalEnd.
var minimalBounds [2]uintptr

// minimalImage makes an image of the minimal guest: n wake-ups, gap cycles
// apart. Words of the shared region are given by their offset.
func minimalImage(message, reply, results uint64, gap uint64, n int) (*image.Image, error) {
	start, end := minimalBounds[0], minimalBounds[1]
	if end <= start || end-start > layout.PageSize || start%64 != 0 {
		return nil, fmt.Errorf("bench: minimal guest of %#x bytes at %#x: the linker changed the order of the assembly: report it", end-start, start)
	}
	text := make([]byte, end-start)
	copy(text, unsafe.Slice(*(**byte)(unsafe.Pointer(&start)), len(text)))
	data := make([]byte, layout.PageSize)
	for i, v := range []uint64{layout.RegionVA + message, layout.RegionVA + reply, layout.RegionVA + results, gap, uint64(n)} {
		binary.LittleEndian.PutUint64(data[8*i:], v)
	}
	im := &image.Image{
		Name: "minimal", Entry: textVA + programAt,
		Segments: []image.Segment{
			{VA: textVA, MemSize: layout.PageSize, Data: text, Perm: image.PermR | image.PermX},
			{VA: paramVA, MemSize: layout.PageSize, Data: data, Perm: image.PermR | image.PermW},
		},
	}
	im.Table[layout.TableVectors] = textVA
	for _, t := range []int{layout.TableTick, layout.TableDoorbell, layout.TableSpurious, layout.TableTrap} {
		im.Table[t] = textVA + stubAt
	}
	return im, nil
}

// scratch returns the offsets in a region of the lines and the ring that cores 0
// and 1 have for measurements. The minimal guest uses them.
func scratch(g region.Geometry) (lines, ring uint64) {
	v := region.View{Geometry: g} // at address 0
	lines = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(v.Scratch(0, 1)))))
	return lines, lines + scratchRing
}

// scratchRing is where in that memory the ring begins, in which core 0 leaves its
// results.
const scratchRing = region.ScratchLines * urpc.LineSize

// minimalResults reads the cycles of each wake-up from the region.
func minimalResults(v *region.View, n int) []float64 {
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&v.Scratch(0, 1)[scratchRing])), n)
	out := make([]float64, n)
	for i, w := range words {
		out[i] = float64(w)
	}
	return out
}
