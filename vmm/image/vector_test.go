package image

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// TestVectorLen lists one instruction per form, as GNU as encodes it.
func TestVectorLen(t *testing.T) {
	for _, c := range []struct {
		code   string
		ripRel bool
		what   string
	}{
		{"c5 f8 77", false, "vzeroupper"},
		{"c5 fc 77", false, "vzeroall"},
		{"c5 f9 ef c0", false, "vpxor xmm0,xmm0,xmm0"},
		{"c5 fa 6f 04 24", false, "vmovdqu xmm0,[rsp]"},
		{"c5 fe 6f 44 24 10", false, "vmovdqu ymm0,[rsp+16]"},
		{"c5 fe 6f 84 24 00 01 00 00", false, "vmovdqu ymm0,[rsp+256]"},
		{"c5 fe 6f 05 00 00 00 00", true, "vmovdqu ymm0,[rip+0]"},
		{"c5 fe 6f 04 25 10 00 00 00", false, "vmovdqu ymm0,[0x10]"},
		{"c5 fe 6f 04 85 10 00 00 00", false, "vmovdqu ymm0,[rax*4+0x10]"},
		{"64 c5 fe 6f 00", false, "vmovdqu ymm0,fs:[rax]"},
		{"67 c5 fe 6f 00", false, "vmovdqu ymm0,[eax]"},
		{"c5 f9 70 c1 1b", false, "vpshufd xmm0,xmm1,0x1b"},
		{"c5 f9 73 d9 08", false, "vpsrldq xmm0,xmm1,8"},
		{"c5 f8 c2 c1 02", false, "vcmpleps xmm0,xmm0,xmm1"},
		{"c5 f9 c4 c0 01", false, "vpinsrw xmm0,xmm0,eax,1"},
		{"c5 f9 c5 c0 01", false, "vpextrw eax,xmm0,1"},
		{"c5 f8 c6 c1 1b", false, "vshufps xmm0,xmm0,xmm1,0x1b"},
		{"c5 f8 90 c8", false, "kmovw k1,k0"},
		{"c4 e2 7d 00 c1", false, "vpshufb ymm0,ymm0,ymm1"},
		{"c4 e2 fb f6 c2", false, "mulx rax,rax,rdx"},
		{"c4 e3 fb f0 c0 05", false, "rorx rax,rax,5"},
		{"c4 e3 7d 39 c0 01", false, "vextracti128 xmm0,ymm0,1"},
		{"c4 e3 7d 46 05 0f 05 00 00 20", true, "vperm2i128 ymm0,ymm0,[rip+0x50f],0x20"},
		{"62 f1 7c 48 10 44 24 01", false, "vmovups zmm0,[rsp+64]"},
		{"62 f1 7c 48 10 05 0f 05 00 00", true, "vmovups zmm0,[rip+0x50f]"},
		{"62 f3 fd 48 3b c1 01", false, "vextracti64x4 ymm1,zmm0,1"},
		{"62 f1 7d 48 72 f1 07", false, "vpslld zmm0,zmm1,7"},
		{"62 f2 7d 48 00 c1", false, "vpshufb zmm0,zmm0,zmm1"},
		{"62 f5 7c 48 58 c1", false, "vaddph zmm0,zmm0,zmm1"},
		{"66 48 0f 38 f6 c1", false, "adcx rax,rcx"},
		{"f3 4c 0f 38 f6 44 24 08", false, "adox r8,[rsp+8]"},
		{"f2 48 0f 38 f1 c1", false, "crc32 rax,rcx"},
		{"66 0f 3a 0f c1 08", false, "palignr xmm0,xmm1,8"},
		{"66 0f 3a 44 05 0f 05 00 00 11", true, "pclmulqdq xmm0,[rip+0x50f],0x11"},

		{"48 89 c8", false, ""},          // no vector instruction
		{"66 c5 f8 77", false, ""},       // 66 before VEX is #UD
		{"c4 e0 7d 00 c1", false, ""},    // map 0
		{"62 f4 7c 48 58 c1", false, ""}, // map 4 is APX
		{"62 f9 7c 48 58 c1", false, ""}, // reserved bit
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		want := len(code)
		if c.what == "" {
			want = 0
		}
		n, ripRel := vectorLen(seq(code, bytes.Repeat([]byte{0xCC}, maxInst)))
		if n != want || ripRel != c.ripRel {
			t.Errorf("% x (%s): %d, %v; want %d, %v", code, c.what, n, ripRel, want, c.ripRel)
		}
		for cut := range want {
			if n, _ := vectorLen(code[:cut]); n != 0 {
				t.Errorf("% x cut to %d bytes has length %d", code, cut, n)
			}
		}
	}
}
