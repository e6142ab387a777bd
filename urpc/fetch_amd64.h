// PREFETCHW (R10), which Go's assembler does not know: fetches a line for writing.
// It faults nowhere.
#define PREFETCHW_R10 BYTE $0x41; BYTE $0x0F; BYTE $0x0D; BYTE $0x0A
