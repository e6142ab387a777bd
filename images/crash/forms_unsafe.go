package main

import (
	"fmt"
	"reflect"
	"syscall"
	"unsafe"
)

// wild is an address where no guest ever has anything.
const wild = 0x12_3456_7000

// at makes an address a pointer. go vet sees only a load.
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

func readUnmapped([]string) error {
	return fmt.Errorf("the byte at %#x is %d", uintptr(wild), *(*byte)(at(wild)))
}

func jumpUnmapped([]string) error {
	entry := uintptr(wild)
	word := &entry // a func value points to a word that holds the code's address
	f := *(*func())(unsafe.Pointer(&word))
	f()
	return nil
}

func writeText([]string) error {
	*(*byte)(at(reflect.ValueOf(writeText).Pointer())) = 0xcc
	return nil
}

// faultDriver passes an address that the driver cannot read.
func faultDriver([]string) error {
	n, _, e := syscall.Syscall(syscall.SYS_WRITE, 1, wild, 16)
	return fmt.Errorf("write of unmapped memory: %d, %v", n, e)
}
