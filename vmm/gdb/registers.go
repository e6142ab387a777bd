package gdb

import (
	"encoding/binary"
	"fmt"
	"strings"

	"barreleye/vmm/postmortem"
)

// Where an XSAVE area in standard format has what gdb shows (SDM vol. 1, 10.5.1 and 13.4).
const (
	xsaveFCW     = 0
	xsaveFSW     = 2
	xsaveTags    = 4 // one bit for each register in use
	xsaveFOP     = 6
	xsaveFIP     = 8
	xsaveFDP     = 16
	xsaveMXCSR   = 24
	xsaveST      = 32
	xsaveXMM     = 160
	xsaveInUse   = 512 // the components that the area has; the others are as at reset
	xsaveYMMHigh = 576
	xsaveNeeded  = xsaveYMMHigh + 16*16

	componentsShown = 1<<0 | 1<<1 | 1<<2 // x87, SSE, AVX
)

// register is one that gdb knows, by its place in its feature.
type register struct {
	name string
	bits int
	kind string // gdb's type, "" for an integer of that size
	// The value lies in the XSAVE area at an offset, unless get tells it.
	at  int
	get func(t *postmortem.Thread) uint64
	set func(t *postmortem.Thread, v uint64) // nil: not to be written
}

// feature is a set of registers whose names are fixed (gdb manual, G.5.22).
type feature struct {
	name      string
	registers []register
}

// features are what target.xml says and in what order g and G have the registers.
var features = []feature{coreFeature(), sseFeature(), segmentFeature(), avxFeature()}

// registers are those of all features, by gdb's number.
var registers = func() (list []register) {
	for _, f := range features {
		list = append(list, f.registers...)
	}
	return list
}()

// general makes a register that is a word of postmortem.Registers.
func general(name, kind string, bits int, word func(r *postmortem.Registers) *uint64, writable bool) register {
	reg := register{name: name, bits: bits, kind: kind, get: func(t *postmortem.Thread) uint64 { return *word(&t.Regs) }}
	if writable {
		reg.set = func(t *postmortem.Thread, v uint64) { *word(&t.Regs) = v }
	}
	return reg
}

func coreFeature() feature {
	type regs = postmortem.Registers
	word := func(name, kind string, of func(r *regs) *uint64) register { return general(name, kind, 64, of, true) }
	list := []register{
		word("rax", "", func(r *regs) *uint64 { return &r.RAX }),
		word("rbx", "", func(r *regs) *uint64 { return &r.RBX }),
		word("rcx", "", func(r *regs) *uint64 { return &r.RCX }),
		word("rdx", "", func(r *regs) *uint64 { return &r.RDX }),
		word("rsi", "", func(r *regs) *uint64 { return &r.RSI }),
		word("rdi", "", func(r *regs) *uint64 { return &r.RDI }),
		word("rbp", "data_ptr", func(r *regs) *uint64 { return &r.RBP }),
		word("rsp", "data_ptr", func(r *regs) *uint64 { return &r.RSP }),
		word("r8", "", func(r *regs) *uint64 { return &r.R8 }),
		word("r9", "", func(r *regs) *uint64 { return &r.R9 }),
		word("r10", "", func(r *regs) *uint64 { return &r.R10 }),
		word("r11", "", func(r *regs) *uint64 { return &r.R11 }),
		word("r12", "", func(r *regs) *uint64 { return &r.R12 }),
		word("r13", "", func(r *regs) *uint64 { return &r.R13 }),
		word("r14", "", func(r *regs) *uint64 { return &r.R14 }),
		word("r15", "", func(r *regs) *uint64 { return &r.R15 }),
		word("rip", "code_ptr", func(r *regs) *uint64 { return &r.RIP }),
		general("eflags", "i386_eflags", 32, func(r *regs) *uint64 { return &r.RFLAGS }, true),
		general("cs", "", 32, func(r *regs) *uint64 { return &r.CS }, false),
		general("ss", "", 32, func(r *regs) *uint64 { return &r.SS }, false),
	}
	for _, name := range []string{"ds", "es", "fs", "gs"} { // in 64-bit mode they have bases at most
		list = append(list, register{name: name, bits: 32, get: func(*postmortem.Thread) uint64 { return 0 }})
	}
	for i := range 8 {
		list = append(list, register{name: fmt.Sprintf("st%d", i), bits: 80, kind: "i387_ext", at: xsaveST + 16*i})
	}
	x87 := func(name string, of func(t *postmortem.Thread) uint64) register {
		return register{name: name, bits: 32, kind: "int", get: of}
	}
	half := func(at int) func(t *postmortem.Thread) uint64 {
		return func(t *postmortem.Thread) uint64 { return uint64(binary.LittleEndian.Uint16(vector(t)[at:])) }
	}
	whole := func(at int) func(t *postmortem.Thread) uint64 {
		return func(t *postmortem.Thread) uint64 { return uint64(binary.LittleEndian.Uint32(vector(t)[at:])) }
	}
	zero := func(*postmortem.Thread) uint64 { return 0 }
	return feature{"org.gnu.gdb.i386.core", append(list,
		x87("fctrl", half(xsaveFCW)), x87("fstat", half(xsaveFSW)), x87("ftag", tags),
		x87("fiseg", zero), x87("fioff", whole(xsaveFIP)), x87("foseg", zero), x87("fooff", whole(xsaveFDP)), x87("fop", half(xsaveFOP)))}
}

// tags are the x87 tag word: two bits for each register, 3 where it is empty.
func tags(t *postmortem.Thread) (word uint64) {
	used := vector(t)[xsaveTags]
	for i := range 8 {
		if used>>i&1 == 0 {
			word |= 3 << (2 * i)
		}
	}
	return word
}

func sseFeature() feature {
	var list []register
	for i := range 16 {
		list = append(list, register{name: fmt.Sprintf("xmm%d", i), bits: 128, kind: "vec128", at: xsaveXMM + 16*i})
	}
	return feature{"org.gnu.gdb.i386.sse", append(list, register{name: "mxcsr", bits: 32, kind: "i386_mxcsr", at: xsaveMXCSR})}
}

func segmentFeature() feature {
	return feature{"org.gnu.gdb.i386.segments", []register{
		general("fs_base", "", 64, func(r *postmortem.Registers) *uint64 { return &r.FSBase }, false),
		general("gs_base", "", 64, func(r *postmortem.Registers) *uint64 { return &r.GSBase }, false),
	}}
}

func avxFeature() feature {
	var list []register
	for i := range 16 {
		list = append(list, register{name: fmt.Sprintf("ymm%dh", i), bits: 128, kind: "uint128", at: xsaveYMMHigh + 16*i})
	}
	return feature{"org.gnu.gdb.i386.avx", list}
}

// vector returns a thread's XSAVE area, at least as long as what is shown of it.
func vector(t *postmortem.Thread) []byte {
	if len(t.Vector) < xsaveNeeded {
		t.Vector = append(t.Vector, make([]byte, xsaveNeeded-len(t.Vector))...)
	}
	return t.Vector
}

// value returns a register's bytes, little-endian.
func (r *register) value(t *postmortem.Thread) []byte {
	n := r.bits / 8
	if r.get != nil {
		return binary.LittleEndian.AppendUint64(nil, r.get(t))[:n]
	}
	return append([]byte(nil), vector(t)[r.at:][:n]...)
}

// write puts bytes into a register; one that cannot be written keeps its own.
func (r *register) write(t *postmortem.Thread, b []byte) (vectors bool) {
	switch {
	case r.set != nil:
		var word [8]byte
		copy(word[:], b[:r.bits/8])
		r.set(t, binary.LittleEndian.Uint64(word[:]))
	case r.get == nil:
		area := vector(t)
		copy(area[r.at:][:r.bits/8], b)
		inUse := binary.LittleEndian.Uint64(area[xsaveInUse:])
		binary.LittleEndian.PutUint64(area[xsaveInUse:], inUse|componentsShown)
		return true
	}
	return false
}

// description is target.xml, which tells gdb what registers there are.
var description = func() string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n" +
		"<architecture>i386:x86-64</architecture>\n<osabi>GNU/Linux</osabi>\n")
	for _, f := range features {
		fmt.Fprintf(&b, "<feature name=%q>\n%s", f.name, types[f.name])
		for _, r := range f.registers {
			kind := r.kind
			if kind == "" {
				kind = fmt.Sprintf("int%d", r.bits)
			}
			fmt.Fprintf(&b, "<reg name=%q bitsize=\"%d\" type=%q/>\n", r.name, r.bits, kind)
		}
		b.WriteString("</feature>\n")
	}
	b.WriteString("</target>\n")
	return b.String()
}()

// types are what features name beside gdb's own types.
var types = map[string]string{
	"org.gnu.gdb.i386.core": `<flags id="i386_eflags" size="4">` + "\n" + flags(map[int]string{
		0: "CF", 2: "PF", 4: "AF", 6: "ZF", 7: "SF", 8: "TF", 9: "IF", 10: "DF", 11: "OF", 14: "NT", 16: "RF", 18: "AC", 21: "ID"}) + "</flags>\n",
	"org.gnu.gdb.i386.sse": `<vector id="v4f" type="ieee_single" count="4"/>
<vector id="v2d" type="ieee_double" count="2"/>
<vector id="v16i8" type="int8" count="16"/>
<vector id="v8i16" type="int16" count="8"/>
<vector id="v4i32" type="int32" count="4"/>
<vector id="v2i64" type="int64" count="2"/>
<union id="vec128">
<field name="v4_float" type="v4f"/>
<field name="v2_double" type="v2d"/>
<field name="v16_int8" type="v16i8"/>
<field name="v8_int16" type="v8i16"/>
<field name="v4_int32" type="v4i32"/>
<field name="v2_int64" type="v2i64"/>
<field name="uint128" type="uint128"/>
</union>
<flags id="i386_mxcsr" size="4">
` + flags(map[int]string{0: "IE", 1: "DE", 2: "ZE", 3: "OE", 4: "UE", 5: "PE", 6: "DAZ",
		7: "IM", 8: "DM", 9: "ZM", 10: "OM", 11: "UM", 12: "PM", 15: "FZ"}) + "</flags>\n",
}

// flags are the fields of a flags type.
func flags(names map[int]string) string {
	var b strings.Builder
	for bit := range 32 {
		if name := names[bit]; name != "" {
			fmt.Fprintf(&b, "<field name=%q start=\"%d\" end=\"%d\"/>\n", name, bit, bit)
		}
	}
	return b.String()
}
