package machine

import (
	"math/rand/v2"
	"testing"

	"barreleye/vmm/kvm"

	"golang.org/x/arch/x86/x86asm"
)

// different registers have different values
var operandRegs = kvm.Regs{RAX: 0x1000, RBX: 0x2000, RCX: 0x3000, RDX: 0x4000, RSP: 0x5000, RBP: 0x6000, RSI: 0x7000, RDI: 0x8000,
	R8: 0x9000, R9: 0xA000, R10: 0xB000, R11: 0xC000, R12: 0xD000, R13: 0xE000, R14: 0xF000, R15: 0x10000}

// TestOperand: addresses of instructions that the emulator lacks, as an assembler
// encodes them.
func TestOperand(t *testing.T) {
	for _, c := range []struct {
		text string
		code []byte
		want uint64 // 0: none
	}{
		{"vmovdqu [rdi], ymm0", []byte{0xc5, 0xfe, 0x7f, 0x07}, 0x8000},
		{"vmovdqu [rdi-0x20], ymm0", []byte{0xc5, 0xfe, 0x7f, 0x47, 0xe0}, 0x7fe0},
		{"vmovdqu [r12+r13*8+0x100], ymm9", []byte{0xc4, 0x01, 0x7e, 0x7f, 0x8c, 0xec, 0, 1, 0, 0}, 0xD000 + 8*0xE000 + 0x100},
		{"vmovntdq [rsp], ymm1", []byte{0xc5, 0xfd, 0xe7, 0x0c, 0x24}, 0x5000},
		{"vmovdqu64 [rdi+0x40], zmm0", []byte{0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x47, 0x01}, 0x8040},
		{"vmovdqu64 [r9], zmm17", []byte{0x62, 0xc1, 0xfe, 0x48, 0x7f, 0x09}, 0xA000},
		{"vmovdqu ymm0, ymm1", []byte{0xc5, 0xfe, 0x6f, 0xc1}, 0},
		{"movbe [rbp-8], rax", []byte{0x48, 0x0f, 0x38, 0xf1, 0x45, 0xf8}, 0x5ff8},
		{"movq [r8+rcx*4], mm0", []byte{0x41, 0x0f, 0x7f, 0x04, 0x88}, 0x9000 + 4*0x3000},
		{"paddq xmm0, [rip+1]", []byte{0x66, 0x0f, 0xd4, 0x05, 1, 0, 0, 0}, 0},
		{"cut off", []byte{0xc5, 0xfe, 0x7f, 0x87, 1, 0}, 0},
		{"nothing", nil, 0},
	} {
		va, ok := operand(c.code, &operandRegs)
		if ok != (c.want != 0) || ok && va != c.want {
			t.Errorf("%s: %#x, %v, want %#x", c.text, va, ok, c.want)
		}
	}
}

// TestOperandAgrees: where another decoder knows the instruction, both find the same
// address.
func TestOperandAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	regs := map[x86asm.Reg]uint64{0: 0, x86asm.RAX: operandRegs.RAX, x86asm.RBX: operandRegs.RBX, x86asm.RCX: operandRegs.RCX, x86asm.RDX: operandRegs.RDX,
		x86asm.RSP: operandRegs.RSP, x86asm.RBP: operandRegs.RBP, x86asm.RSI: operandRegs.RSI, x86asm.RDI: operandRegs.RDI,
		x86asm.R8: operandRegs.R8, x86asm.R9: operandRegs.R9, x86asm.R10: operandRegs.R10, x86asm.R11: operandRegs.R11,
		x86asm.R12: operandRegs.R12, x86asm.R13: operandRegs.R13, x86asm.R14: operandRegs.R14, x86asm.R15: operandRegs.R15}
	compared := 0
	for range 200_000 {
		code := make([]byte, 15)
		for i := range code {
			code[i] = byte(rng.Uint64())
		}
		code[0], code[1], code[2] = 0x66, 0x40|byte(rng.IntN(16)), 0x0f
		code[3] = []byte{0x6f, 0x7f, 0xd4, 0xfe, 0x58, 0x29, 0x11}[rng.IntN(7)]
		in, err := x86asm.Decode(code, 64)
		if err != nil {
			continue
		}
		for _, arg := range in.Args {
			m, isMem := arg.(x86asm.Mem)
			if !isMem || m.Segment != 0 {
				continue
			}
			base, known := regs[m.Base]
			if !known {
				continue // RIP
			}
			compared++
			want := base + regs[m.Index]*uint64(m.Scale) + uint64(int64(int32(m.Disp)))
			if va, ok := operand(code, &operandRegs); !ok || va != want {
				t.Fatalf("% x (%v): %#x, %v, want %#x", code, in, va, ok, want)
			}
		}
	}
	if compared < 10_000 {
		t.Errorf("only %d were compared", compared)
	}
}

// FuzzOperand: any bytes name an address or none.
func FuzzOperand(f *testing.F) {
	f.Add([]byte{0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x47, 0x01})
	f.Fuzz(func(t *testing.T, code []byte) { operand(code, &operandRegs) })
}
