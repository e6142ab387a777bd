package cpudriver

// Linux error numbers the driver answers with (include/uapi/asm-generic/errno*.h).
const (
	ePERM        = 1
	eNOENT       = 2
	eSRCH        = 3
	eINTR        = 4
	eIO          = 5
	eBADF        = 9
	eAGAIN       = 11
	eNOMEM       = 12
	eACCES       = 13
	eFAULT       = 14
	eEXIST       = 17
	eNODEV       = 19
	eNOTDIR      = 20
	eISDIR       = 21
	eINVAL       = 22
	eMFILE       = 24
	eNOTTY       = 25
	eSPIPE       = 29
	eROFS        = 30
	ePIPE        = 32
	eRANGE       = 34
	eDEADLK      = 35
	eNAMETOOLONG = 36
	eNOSYS       = 38
	eNETUNREACH  = 101
	eTIMEDOUT    = 110
)

// errno encodes an error as a system call returns it.
func errno(e uint64) uint64 { return -e }
