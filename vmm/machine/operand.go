package machine

import "barreleye/vmm/kvm"

// operand returns the virtual address that the memory operand of the instruction
// at the start of code means, for a report on an instruction that KVM cannot
// emulate, in which nothing else tells. It knows instructions that have a ModRM byte
// behind an opcode of the maps 0F, 0F 38 and 0F 3A, in all their encodings, which
// are those that the emulator lacks (Intel SDM vol. 2, 2.1 to 2.7). A displacement
// of one byte is scaled as EVEX does for whole vectors. Segment bases are not added.
func operand(code []byte, r *kvm.Regs) (va uint64, ok bool) {
	p := parser{code: code, scale: 1}
	if !p.prefixes() {
		return 0, false
	}
	p.next() // opcode
	return p.modRM(r)
}

// parser reads an instruction.
type parser struct {
	code  []byte
	at    int
	x, b  byte // 8 where index and base are one of R8 to R15
	scale int64
}

// next returns the next byte, 0 behind the end; at then tells.
func (p *parser) next() (b byte) {
	if p.at < len(p.code) {
		b = p.code[p.at]
	}
	p.at++
	return b
}

// prefixes reads everything before the opcode.
func (p *parser) prefixes() bool {
	for {
		switch b := p.next(); {
		case b == 0x26 || b == 0x2E || b == 0x36 || b == 0x3E || b == 0x66 || b == 0xF0 || b == 0xF2 || b == 0xF3:
		case b&0xF0 == 0x40:
			p.x, p.b = b<<2&8, b<<3&8
		case b == 0x0F:
			if p.at < len(p.code) && (p.code[p.at] == 0x38 || p.code[p.at] == 0x3A) {
				p.at++
			}
			return true
		case b == 0xC5:
			p.next()
			return true
		case b == 0xC4:
			v := ^p.next()
			p.next()
			p.x, p.b = v>>3&8, v>>2&8
			return true
		case b == 0x62:
			v := ^p.next()
			p.next()
			p.x, p.b = v>>3&8, v>>2&8
			p.scale = 16 << (p.next() >> 5 & 3)
			return true
		default:
			return false
		}
	}
}

// modRM reads the operand that a ModRM byte and what follows it name.
func (p *parser) modRM(r *kvm.Regs) (va uint64, ok bool) {
	regs := [16]uint64{r.RAX, r.RCX, r.RDX, r.RBX, r.RSP, r.RBP, r.RSI, r.RDI, r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15}
	b := p.next()
	mod, base := b>>6, b&7
	if mod == 3 {
		return 0, false // a register
	}
	if base == 4 {
		sib := p.next()
		base = sib & 7
		if index := sib>>3&7 | p.x; index != 4 {
			va = regs[index] << (sib >> 6)
		}
	} else if mod == 0 && base == 5 {
		return 0, false // relative to RIP: never the region
	}
	if mod == 0 && base == 5 {
		va += p.displacement()
	} else {
		va += regs[base|p.b]
	}
	switch mod {
	case 1:
		va += uint64(int64(int8(p.next())) * p.scale)
	case 2:
		va += p.displacement()
	}
	return va, p.at <= len(p.code)
}

// displacement reads four bytes as a signed number.
func (p *parser) displacement() uint64 {
	var v uint32
	for i := range 4 {
		v |= uint32(p.next()) << (8 * i)
	}
	return uint64(int64(int32(v)))
}
