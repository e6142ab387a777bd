package layout

// ABI is the version of everything VMM and image must agree on: the image
// table, the boot page, the gate page and the addresses of map.go. An image of
// another version is refused with a message that says what to rebuild.
const ABI = 5

// Image table. cpudriver lays it down in read-only data; the VMM finds it by
// its two magic words at an 8-byte boundary of a loaded segment, so stripped
// images work too. All entries are 64-bit little-endian words.
const (
	ImageMagic0 = 0x4559454c45525241 // "ARRELEYE", little-endian
	ImageMagic1 = 0x31454c4241544742 // "BGTABLE1"
)

// Indices of the words of the image table.
const (
	TableMagic0 = iota
	TableMagic1
	TableABI         // layout.ABI the image was built with
	TableSyscall     // CPL3 entry for patched sites, RCX = return address
	TableTrap        // LSTAR target, reached by an unpatched SYSCALL
	TableVectors     // 32 exception stubs, VectorStride bytes apart
	TableTick        // interrupt stub of VectorTick
	TableDoorbell    // interrupt stub of VectorDoorbell
	TableSpurious    // interrupt stub of VectorSpurious
	TableCritical    // first byte of the driver's critical text
	TableLeave       // first byte of the restartable exit window
	TableCriticalEnd // one past the critical text and the exit window
	TableState       // zeroed data of the driver: present from boot on, as it
	TableStateEnd    // serves the first touch of all other
	TableTickNoted   // with --debug interrupts, instead of TableTick
	TableBellNoted   // and of TableDoorbell
	TableStepNoted   // and of exception stub 1
	TableWords
)

// VectorStride is the distance between two exception stubs in bytes.
const VectorStride = 16
