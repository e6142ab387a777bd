package kvm

import (
	"fmt"
	"strings"
)

// FormatRegs shows the general registers in one line: "rip=0x... rsp=0x...".
func FormatRegs(r Regs) string {
	var b strings.Builder
	for _, v := range []struct {
		name  string
		value uint64
	}{{"rip", r.RIP}, {"rsp", r.RSP}, {"rflags", r.RFLAGS}, {"rax", r.RAX}, {"rbx", r.RBX}, {"rcx", r.RCX}, {"rdx", r.RDX},
		{"rsi", r.RSI}, {"rdi", r.RDI}, {"rbp", r.RBP}, {"r8", r.R8}, {"r9", r.R9}, {"r10", r.R10}, {"r11", r.R11},
		{"r12", r.R12}, {"r13", r.R13}, {"r14", r.R14}, {"r15", r.R15}} {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%#x", v.name, v.value)
	}
	return b.String()
}
