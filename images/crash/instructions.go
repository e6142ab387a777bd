package main

// Instructions that the compiler does not produce. They use no stack, and all but
// spinAt leave only by the exception they raise.

// divide raises #DE: it divides RDX:RAX = 1 by RCX = 0.
func divide()

// undefinedInstruction raises #UD.
func undefinedInstruction()

// privilegedInstruction raises #GP: HLT is for CPL0.
func privilegedInstruction()

// spinAt spins for ever, with RSP at stack. It touches nothing there.
func spinAt(stack uintptr)
