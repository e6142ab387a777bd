package region

// Threads says where in a core's memory its driver keeps the registers of the
// program's threads that do not run, for whoever looks at a dead core. Only the
// driver writes it, once; who reads it trusts none of it.
type Threads struct {
	First   uint64 // virtual address of the first thread's record, 0 where there are none
	Stride  uint64 // from one record to the next, in bytes
	Count   uint64 // records
	Current uint64 // virtual address of the word that holds the running thread's record's

	// Offsets in a record, in bytes.
	Registers uint64 // RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8..R15, RIP, CS, RFLAGS, RSP, SS
	Base      uint64 // FS base
	Vector    uint64 // virtual address of the XSAVE area
	State     uint64 // 0: the record is unused
	TID       uint64 // Linux thread id
	Call      uint64 // system call, while blocked in one
}

// ThreadRegisters is how many words Threads.Registers leads to.
const ThreadRegisters = 20
