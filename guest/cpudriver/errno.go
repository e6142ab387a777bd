package cpudriver

// Linux error numbers the driver answers with (include/uapi/asm-generic/errno*.h).
const (
	ePERM       = 1
	eNOENT      = 2
	eSRCH       = 3
	eINTR       = 4
	eBADF       = 9
	eAGAIN      = 11
	eNOMEM      = 12
	eEXIST      = 17
	eNODEV      = 19
	eINVAL      = 22
	eMFILE      = 24
	ePIPE       = 32
	eNOSYS      = 38
	eNETUNREACH = 101
	eTIMEDOUT   = 110
)

// errno encodes an error as a system call returns it.
func errno(e uint64) uint64 { return -e }
