package main

import "unsafe"

// words is the size of registers, for the assembly.
const words = unsafe.Sizeof(registers{}) / 8
