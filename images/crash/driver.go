package main

import (
	"errors"
	"syscall"

	"barreleye/devices/layout"
	"barreleye/guest/cpudriver"
)

// errProcess refuses what needs a virtual machine.
var errProcess = errors.New("only a virtual machine has a CPU driver: run with --platform kvm")

// stick makes the interrupt stubs take the program for the driver, by its stack: they
// note events and leave them to the driver, which never comes.
func stick([]string) error {
	if !cpudriver.InGuest() {
		return errProcess
	}
	spinAt(layout.DriverHigh - 64)
	return nil
}

// tripleFault clears the first entry of the root page table: all that lies below
// 512 GiB, the tables that the CPU needs to report faults included.
func tripleFault([]string) error {
	if !cpudriver.InGuest() {
		return errProcess
	}
	mem, err := syscall.Mmap(-1, 0, 1<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return err
	}
	mem[0] = 1
	*(*uint64)(at(layout.PageTableVA)) = 0
	return syscall.Munmap(mem) // which drops the TLB
}

// writeDevice stores to a register that no device has.
func writeDevice([]string) error {
	if !cpudriver.InGuest() {
		return errProcess
	}
	*(*uint32)(at(layout.PowerVA + 0x800)) = 1
	return nil
}

func killSelf([]string) error { return syscall.Kill(syscall.Getpid(), syscall.SIGKILL) }
