package hosted

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"barreleye/devices/boot"
)

// The VMM holds the process to a list of system calls (vmm/sandbox), in which is what it
// takes to start: to run the image, to mount what it sees as files, and so on. That is
// given up here, before the program begins, and with it all privileges. A filter can only
// be added to, so this one names what it refuses; that of the VMM refuses the rest.

// refused are the calls that are given up. clone is, but for threads.
var refused = []uint32{
	syscall.SYS_EXECVE, syscall.SYS_MOUNT, syscall.SYS_UMOUNT2, syscall.SYS_CHROOT, syscall.SYS_SETPGID, syscall.SYS_CAPSET, sysSeccomp,
}

// Numbers that package syscall lacks: include/uapi/asm-generic/unistd.h and
// include/uapi/linux/{seccomp,capability,filter}.h.
const (
	sysSeccomp    = 317
	setModeFilter = 1
	filterTSync   = 1

	retAllow = 0x7fff0000
	retErrno = 0x00050000

	offsetNumber = 0  // of struct seccomp_data
	offsetArg0   = 16 // its lower half

	capabilityVersion3 = 0x20080522
	capDACOverride     = 1
)

// seal gives up what the program is not to have.
func (c *Core) seal() error {
	if c.page.Flags&boot.FlagConfined == 0 {
		return nil
	}
	header := struct{ version, pid uint32 }{capabilityVersion3, 0}
	var kept [6]uint32 // effective, permitted, inheritable; twice 32
	if c.files != nil {
		// The program may mount more in folders that are not to be written. It has no way
		// to any that are not its own.
		kept[0], kept[1] = 1<<capDACOverride, 1<<capDACOverride
	}
	if _, _, e := syscall.AllThreadsSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&kept)), 0); e != 0 {
		return fmt.Errorf("hosted core: %w: use --sandbox=false", os.NewSyscallError("drop capabilities", e))
	}
	filter := sealFilter()
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, e := syscall.Syscall(sysSeccomp, setModeFilter, filterTSync, uintptr(unsafe.Pointer(&program)))
	if e != 0 && e != syscall.ENOSYS { // a kernel without it: the VMM could not either
		return fmt.Errorf("hosted core: %w: use --sandbox=false", os.NewSyscallError("seccomp", e))
	}
	return nil
}

// sealFilter assembles the filter (bpf(4), seccomp(2)).
func sealFilter() []syscall.SockFilter {
	load := func(offset uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: offset}
	}
	// skip so many where the comparison holds, and where it does not
	jump := func(test uint16, k uint32, yes, no int) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_JMP | test | syscall.BPF_K, K: k, Jt: uint8(yes), Jf: uint8(no)}
	}
	result := func(r uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: r}
	}
	f := []syscall.SockFilter{load(offsetNumber)}
	for i, number := range refused {
		f = append(f, jump(syscall.BPF_JEQ, number, len(refused)-i+2, 0)) // to the refusal
	}
	return append(f,
		jump(syscall.BPF_JEQ, syscall.SYS_CLONE, 0, 3),
		load(offsetArg0),
		jump(syscall.BPF_JSET, syscall.CLONE_THREAD, 1, 0),
		result(retErrno|uint32(syscall.EPERM)),
		result(retAllow))
}
