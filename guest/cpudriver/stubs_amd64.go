package cpudriver

// Entry points in assembly. They are no Go functions: entry contracts stand
// above each TEXT.
func syscallEntry()
func trapEntry()
func trapUser()
func interruptEntry()
func exceptionEntry()
func leave()
func criticalEnd()
func exceptionVectors()
func pageFaultVector()
func exceptionCommon()
func undefinedVector()
func gateVector()
func haltVector()
func wakeVector()
func tickVector()
func doorbellVector()
func interruptCommon()
func spuriousVector()
func tickNoted()
func bellNoted()
func stepNoted()
func gate()
func enter()

// callGate traps into CPL0 with a gate command; about 25 microseconds on PVM.
//
//go:noescape
func callGate(command, argument uint64)

// invoke calls the driver from a goroutine; call is one of the call* numbers.
//
//go:noescape
func invoke(call, a, b, c uint64) uint64

func xgetbv() uint64
func pause()

// storeDoorbell stores to a doorbell or power register: a VM exit.
func storeDoorbell(register uintptr)
