package image

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"barreleye/devices/layout"

	"golang.org/x/arch/x86/x86asm"
)

// seq concatenates pieces of machine code.
func seq(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Pieces of functions.
var (
	nop      = []byte{0x90}
	ret      = []byte{0xC3}
	call     = []byte{0x0F, 0x05}                                           // SYSCALL
	movEAX   = []byte{0xB8, 0x27, 0, 0, 0}                                  // MOV EAX, 39
	movEDI   = []byte{0x89, 0xC7}                                           // MOV EDI, EAX
	movRCX   = []byte{0x48, 0xC7, 0xC1, 0x01, 0, 0, 0}                      // MOV RCX, 1
	fromRCX  = []byte{0x48, 0x89, 0xCF}                                     // MOV RDI, RCX
	popR12   = []byte{0x41, 0x5C}                                           // POP R12
	loadRIP  = []byte{0x48, 0x8B, 0x05, 0, 0, 0, 0}                         // MOV RAX, [RIP+0]
	loadEIP  = []byte{0x67, 0x48, 0x8B, 0x05, 0, 0, 0, 0}                   // MOV RAX, [EIP+0]
	vloadRIP = []byte{0xC5, 0xF8, 0x10, 0x05, 0, 0, 0, 0}                   // VMOVUPS XMM0, [RIP+0]
	vloadRSP = []byte{0xC5, 0xF8, 0x10, 0x44, 0x24, 0x08}                   // VMOVUPS XMM0, [RSP+8]
	decoy    = []byte{0x81, 0xC3, 0x0F, 0x05, 0, 0}                         // ADD EBX, 0x50F
	vdecoy   = []byte{0x62, 0xF1, 0x7C, 0x48, 0x10, 0x05, 0x0F, 0x05, 0, 0} // VMOVUPS ZMM0, [RIP+0x50F]
	unknown  = []byte{0x06}                                                 // PUSH ES, not in 64-bit mode
)

// TestSites gives the patcher one function each and says what it must do with
// the only SYSCALL in it: nothing to find (site < 0), patch from start on, or
// refuse for a reason.
func TestSites(t *testing.T) {
	jump := func(rel int8) []byte { return []byte{0xEB, byte(rel)} }
	je := func(rel int8) []byte { return []byte{0x74, byte(rel)} }
	for _, c := range []struct {
		name   string
		code   []byte
		site   int
		start  int
		reason string
	}{
		{"one instruction", seq(movEAX, call, ret), 5, 0, ""},
		{"smallest that fits", seq(nop, movEAX, popR12, call, ret), 8, 1, ""},
		{"exactly five bytes", seq(nop, fromRCX, call, ret), 4, 1, ""},
		{"reads RCX", seq(movEAX, fromRCX, call, ret), 8, 5, ""},
		{"writes RCX", seq(movRCX, call, ret), 7, 0, ""},
		{"vector instruction", seq(vloadRSP, call, ret), 6, 0, ""},
		{"branch to the first", seq(je(0), movEAX, call, ret), 7, 2, ""},
		{"branch behind", seq(je(7), movEAX, call, ret), 7, 2, ""},
		{"after a call's return", seq([]byte{0xE8, 0, 0, 0, 0}, movEAX, call, ret), 10, 5, ""},
		{"after vector decoys", seq(vdecoy, movEAX, call, ret), 15, 10, ""},
		{"REX prefix", seq(movEAX, []byte{0x48}, call, ret), 5, 0, ""},

		{"immediate", seq(decoy, ret), -1, 0, ""},
		{"vector displacement", seq(vdecoy, ret), -1, 0, ""},
		{"across two instructions", seq([]byte{0xB0, 0x0F}, []byte{0x05, 0, 0, 0, 0}, ret), -1, 0, ""},

		{"RIP-relative", seq(loadRIP, call, ret), 7, 0, "MOV at +0x0 before it is RIP-relative"},
		{"EIP-relative", seq(loadEIP, call, ret), 8, 0, "MOV at +0x0 before it is RIP-relative"},
		{"RIP-relative vector", seq(vloadRIP, call, ret), 8, 0, "vector instruction at +0x0 before it is RIP-relative"},
		{"RIP-relative second", seq(loadRIP, popR12, call, ret), 9, 0, "RIP-relative"},
		{"jump before", seq(jump(2), call, ret), 2, 0, "JMP at +0x0 before it transfers control"},
		{"conditional jump before", seq(movEAX, je(2), call, ret), 7, 0, "JE at +0x5 before it transfers control"},
		{"call before", seq([]byte{0xE8, 0x40, 0, 0, 0}, call, ret), 5, 0, "CALL at +0x0"},
		{"indirect call before", seq(movEAX, []byte{0xFF, 0xD0}, call, ret), 7, 0, "CALL at +0x5"},
		{"return before", seq(movEAX, ret, call, ret), 6, 0, "RET at +0x5"},
		{"UD2 before", seq(movEAX, []byte{0x0F, 0x0B}, call, ret), 7, 0, "UD2 at +0x5"},
		{"LOOP before", seq(movEAX, []byte{0xE2, 0x02}, call, ret), 7, 0, "LOOP at +0x5"},
		{"branch to the call", seq(je(5), movEAX, call, ret), 7, 0, "SYSCALL at +0x7 is the target of a branch"},
		{"branch back to the call", seq(movEAX, call, jump(-4)), 5, 0, "SYSCALL at +0x5 is the target of a branch"},
		{"branch to the second", seq(je(2), movEDI, movEDI, call, ret), 6, 0, "MOV at +0x4 is the target of a branch"},
		{"too short", seq(popR12, call, ret), 2, 0, "function too short: 4 bytes up to the call, want 5"},
		{"nothing before", seq(call, ret), 0, 0, "function too short"},
		{"indirect jump behind", seq(movEAX, call, []byte{0xFF, 0xE0}), 5, 0, "JMP at +0x7 is indirect"},
		{"undecodable before", seq(movEAX, unknown, call, ret), 6, 0, "undecodable code at +0x5 before the bytes 0f 05"},
		{"undecodable behind", seq(movEAX, call, unknown), 5, 0, "undecodable code at +0x7 behind it"},
		{"cut off at the end", seq(movEAX, []byte{0x81, 0xC3, 0x0F, 0x05}), 7, 0, "undecodable code at +0x5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fake{funcs: []fakeFunc{{"f", c.code}}}
			im, err := Load("fake", f.build())
			if err != nil {
				t.Fatal(err)
			}
			got := im.Segments[0].Data[fakeDriver:]
			if c.site < 0 {
				if len(im.Sites) != 0 || !bytes.Equal(got, c.code) {
					t.Fatalf("sites %+v, want none", im.Sites)
				}
				return
			}
			if len(im.Sites) != 1 {
				t.Fatalf("sites %+v, want one", im.Sites)
			}
			s := im.Sites[0]
			if s.Func != "f" || s.PC != fakeFirst+uint64(c.site) || s.Patched != (c.reason == "") || !strings.Contains(s.Reason, c.reason) {
				t.Fatalf("site %+v, want at +%#x, reason %q", s, c.site, c.reason)
			}
			if c.reason != "" {
				if !bytes.Equal(got, c.code) || len(im.Stubs) != 0 {
					t.Error("text or stubs changed for a refused site")
				}
				return
			}
			if start, _ := checkSite(t, im, c.code, fakeFirst, s); start != fakeFirst+uint64(c.start) {
				t.Errorf("displaced from +%#x, want +%#x", start-fakeFirst, c.start)
			}
		})
	}
}

// checkSite checks a patched site and its stub against the original text,
// which starts at va, and returns the range of addresses that may differ.
func checkSite(t *testing.T, im *Image, text []byte, va uint64, s Site) (start, end uint64) {
	t.Helper()
	original, err := x86asm.Decode(text[s.PC-va:], 64)
	if err != nil || original.Op != x86asm.SYSCALL {
		t.Fatalf("%s: %v at %#x, want SYSCALL (%v)", s.Func, original, s.PC, err)
	}
	end = s.PC + uint64(original.Len)

	// The site starts where a jump to the stub stands.
	for start = end - jumpLen; ; start-- {
		if s.PC-start > 2*maxInst {
			t.Fatalf("%s: no jump to %#x before %#x", s.Func, s.Stub, s.PC)
		}
		if b := im.bytesAt(start, jumpLen); b[0] == opJmp && jumpTarget(start, b) == s.Stub {
			break
		}
	}
	for _, b := range im.bytesAt(start+jumpLen, end-start-jumpLen) {
		if b != opInt3 {
			t.Errorf("%s: filler % x", s.Func, b)
		}
	}

	stub := im.Stubs[s.Stub-layout.StubVA:]
	displaced := text[start-va : s.PC-va]
	if !bytes.HasPrefix(stub, displaced) {
		t.Errorf("%s: stub starts % x, want % x", s.Func, stub[:len(displaced)], displaced)
	}
	at := len(displaced)
	mov, err := x86asm.Decode(stub[at:], 64)
	if err != nil || mov.Op != x86asm.MOV || mov.Args[0] != x86asm.ECX || mov.Args[1] != x86asm.Imm(end) {
		t.Errorf("%s: %v, want MOV ECX, %#x", s.Func, mov, end)
	}
	at += mov.Len
	if to := jumpTarget(s.Stub+uint64(at), stub[at:]); stub[at] != opJmp || to != im.Table[layout.TableSyscall] {
		t.Errorf("%s: stub ends % x to %#x", s.Func, stub[at:at+jumpLen], to)
	}
	return start, end
}

// jumpTarget returns where the JMP rel32 at va leads.
func jumpTarget(va uint64, b []byte) uint64 {
	return va + jumpLen + uint64(int64(int32(binary.LittleEndian.Uint32(b[1:]))))
}

func TestStubAreaFull(t *testing.T) {
	site := seq(movRCX, call) // 7+5+5 bytes of stub, two units
	const fit = layout.StubMax / (2 * stubAlign)
	f := fake{funcs: []fakeFunc{{"many", bytes.Repeat(site, fit+3)}}}
	im, err := Load("full", f.build())
	if err != nil {
		t.Fatal(err)
	}
	u := im.Unpatched()
	if len(im.Stubs) != layout.StubMax || len(im.Sites) != fit+3 || len(u) != 3 || !strings.Contains(u[0].Reason, "stub area") {
		t.Errorf("%d bytes of stubs, %d sites, unpatched %+v", len(im.Stubs), len(im.Sites), u)
	}
}

// TestTooManyPairs wants the report bounded, and that it says so.
func TestTooManyPairs(t *testing.T) {
	f := fake{funcs: []fakeFunc{{"many", bytes.Repeat(call, maxPairs+100)}}}
	im, err := Load("many", f.build())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(im.Sites); n != maxPairs+1 || !strings.Contains(im.Sites[n-1].Reason, "not looked at") {
		t.Errorf("%d sites, want %d", n, maxPairs+1)
	}
}

func TestCriticalSkipped(t *testing.T) {
	f := fake{funcs: []fakeFunc{{"driver.critical", seq(movEAX, call, ret)}, {"f", seq(movEAX, call, ret)}},
		table: func(t *[layout.TableWords]uint64) {
			t[layout.TableCritical], t[layout.TableLeave], t[layout.TableCriticalEnd] = fakeFirst, fakeFirst+1, fakeFirst+8
		}}
	im, err := Load("critical", f.build())
	if err != nil {
		t.Fatal(err)
	}
	if len(im.Sites) != 1 || im.Sites[0].Func != "f" {
		t.Errorf("sites %+v, want one in f", im.Sites)
	}
}

// TestEntryTarget keeps a jump from the outside off the displaced code.
func TestEntryTarget(t *testing.T) {
	f := fake{funcs: []fakeFunc{{"f", seq(popR12, popR12, call, ret)}},
		table: func(t *[layout.TableWords]uint64) { t[layout.TableTick] = fakeFirst + 2 }}
	im, err := Load("entry", f.build())
	if err != nil {
		t.Fatal(err)
	}
	if u := im.Unpatched(); len(u) != 1 || !strings.Contains(u[0].Reason, "POP at +0x2 is the target") {
		t.Errorf("unpatched %+v", u)
	}
}

// TestOutsideFunctions: bytes of the text that no function owns are reported.
func TestOutsideFunctions(t *testing.T) {
	f := fake{funcs: []fakeFunc{{"f", seq(ret, nop, movEAX, call)}},
		pcln: func(b []byte) { // the last function ends after one byte
			end := len(b) - 2*recordBytes - 4
			binary.LittleEndian.PutUint32(b[end:], fakeDriver+1)
		}}
	im, err := Load("outside", f.build())
	if err != nil {
		t.Fatal(err)
	}
	if u := im.Unpatched(); len(u) != 1 || u[0].Func != "" || !strings.Contains(u[0].Reason, "outside every function") {
		t.Errorf("unpatched %+v", u)
	}
}
