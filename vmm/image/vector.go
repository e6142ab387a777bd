package image

// Length decoder for what x86asm does not decode or measures wrongly
// (v0.32: VZEROUPPER one byte too long, ADCX and ADOX unknown): instructions
// with a VEX or EVEX prefix, and the three-byte maps 0F 38 and 0F 3A. All of
// them have one form, so their length follows from the map and the ModRM byte
// without a table of opcodes (Intel SDM vol. 2, 2.1, 2.3, 2.7):
//
//	[segment, 67] C5 b1          opcode ModRM [SIB] [disp] [imm8]   map 1
//	[segment, 67] C4 b1 b2       opcode ModRM ...                   map b1&31
//	[segment, 67] 62 p0 p1 p2    opcode ModRM ...                   map p0&7
//	[any] [REX]   0F 38          opcode ModRM ...                   map 2
//	[any] [REX]   0F 3A          opcode ModRM ... imm8              map 3
//
// In 64-bit mode C4, C5 and 62 are nothing else. XOP (AMD, withdrawn) and APX
// are not known.

// Opcode maps, as VEX and EVEX number them.
const (
	map0F   = 1
	map0F38 = 2
	map0F3A = 3 // every instruction has an 8-bit immediate
	map5    = 5 // EVEX only, half precision, no immediates
	map6    = 6
)

const maxInst = 15 // bytes of the longest instruction

// vectorLen returns the length of the instruction at the start of code when it
// is of one of the forms above, else 0. ripRel tells that its memory operand is
// relative to RIP.
func vectorLen(code []byte) (n int, ripRel bool) {
	code = code[:min(len(code), maxInst)]
	at := 0
	legacy := false // prefixes that VEX and EVEX do not allow
	for ; at < len(code); at++ {
		switch b := code[at]; {
		case b == 0x26 || b == 0x2E || b == 0x36 || b == 0x3E || b == 0x64 || b == 0x65 || b == 0x67:
			continue
		case b == 0x66 || b == 0xF2 || b == 0xF3 || b&0xF0 == 0x40:
			legacy = true
			continue
		}
		break
	}
	opcodeMap, size := prefixMap(code[at:], legacy)
	if size == 0 || len(code) < at+size+1 {
		return 0, false
	}
	at += size
	opcode := code[at]
	at++
	if opcodeMap == map0F && opcode == 0x77 {
		return at, false // VZEROUPPER, VZEROALL: the only ones without ModRM
	}
	operand, ripRel := modRMLen(code[at:])
	if operand == 0 {
		return 0, false
	}
	at += operand
	if opcodeMap == map0F3A || opcodeMap == map0F && hasImm8(opcode) {
		at++
	}
	if at > len(code) {
		return 0, false
	}
	return at, ripRel
}

// prefixMap reads the prefix or escape bytes that select the opcode map. size
// is 0 when the instruction is of another form.
func prefixMap(code []byte, legacy bool) (opcodeMap, size int) {
	if len(code) < 2 {
		return 0, 0
	}
	switch first, second := code[0], code[1]; {
	case first == 0x0F && second == 0x38:
		return map0F38, 2
	case first == 0x0F && second == 0x3A:
		return map0F3A, 2
	case legacy:
		return 0, 0
	case first == 0xC5:
		return map0F, 2
	case first == 0xC4:
		if m := int(second & 31); m >= map0F && m <= map0F3A {
			return m, 3
		}
	case first == 0x62:
		switch m := int(second & 7); m {
		case map0F, map0F38, map0F3A, map5, map6:
			if second&0x08 == 0 { // reserved by AVX-512, used by APX
				return m, 4
			}
		}
	}
	return 0, 0
}

// hasImm8 reports whether a VEX or EVEX instruction of map 0F ends in an
// immediate: shuffles and shifts, VCMP, VPINSRW, VPEXTRW, VSHUFP.
func hasImm8(opcode byte) bool {
	switch opcode {
	case 0x70, 0x71, 0x72, 0x73, 0xC2, 0xC4, 0xC5, 0xC6:
		return true
	}
	return false
}

// modRMLen returns the size of the ModRM byte at the start of code with the
// SIB byte and displacement it asks for, 0 when code is too short to tell.
// EVEX scales one-byte displacements, which does not change their size.
func modRMLen(code []byte) (n int, ripRel bool) {
	if len(code) == 0 {
		return 0, false
	}
	mod, rm := code[0]>>6, code[0]&7
	if mod == 3 {
		return 1, false
	}
	n, base := 1, rm
	if rm == 4 {
		if len(code) < 2 {
			return 0, false
		}
		n, base = 2, code[1]&7
	}
	switch {
	case mod == 1:
		n++
	case mod == 2:
		n += 4
	case base == 5: // mod 0: no base register but a displacement
		n += 4
		ripRel = rm == 5
	}
	return n, ripRel
}
