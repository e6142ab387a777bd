package image

import (
	"bytes"
	"testing"

	"barreleye/devices/layout"
)

// FuzzLoad wants neither panics nor results that break Image's promises.
func FuzzLoad(f *testing.F) {
	f.Add(goodFake().build())
	f.Add(fake{funcs: []fakeFunc{
		{"lost", []byte{0x06, 0x0F, 0x05}},
		{"vector", []byte{0xC5, 0xF8, 0x77, 0x62, 0xF1, 0x7C, 0x48, 0x10, 0x05, 0x0F, 0x05, 0, 0, 0x0F, 0x05}},
	}}.build())
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		im, err := Load("fuzz", data)
		if !bytes.Equal(data, before) {
			t.Fatal("Load changed its input")
		}
		if err != nil {
			return
		}
		for i := range im.Segments {
			s := &im.Segments[i]
			if s.VA < layout.ImageVA || s.end() > layout.ImageEnd || uint64(len(s.Data)) > s.MemSize {
				t.Fatalf("segment %#x+%#x", s.VA, s.MemSize)
			}
		}
		if len(im.Stubs) > layout.StubMax || len(im.Stubs)%stubAlign != 0 {
			t.Fatalf("%d bytes of stubs", len(im.Stubs))
		}
		for i, s := range im.Sites {
			if i > 0 && s.PC <= im.Sites[i-1].PC || s.Patched != (s.Reason == "") {
				t.Fatalf("site %d %+v after %+v", i, s, im.Sites[max(0, i-1)])
			}
			im.Symbol(s.PC)
			im.Symbol(s.Stub + 3)
		}
		for off := range min(uint64(len(data)), 64) {
			im.Symbol(im.Entry + off)
		}
	})
}
