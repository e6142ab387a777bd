package cpudriver

// dispatch performs the system call in c's registers: it leaves the result in
// rax, or a blocked state in c.
func dispatch(c *context) {
	nr := c.rax
	switch c.state {
	case again:
		nr = c.call
		c.state = runnable
	default:
		c.call = nr
		c.progress = 0
	}
	var r uint64
	switch nr {
	case sysREAD:
		r = sysRead(c, c.rdi, c.rsi, c.rdx)
	case sysWRITE:
		r = sysWrite(c, c.rdi, c.rsi, c.rdx)
	case sysCLOSE:
		r = sysClose(c.rdi)
	case sysFSTAT:
		r = sysFstat(c.rdi, c.rsi)
	case sysMMAP:
		r = sysMmap(c.rdi, c.rsi, c.rdx, c.r10)
	case sysMPROTECT:
		r = sysMprotect(c.rdi, c.rsi, c.rdx)
	case sysMUNMAP:
		r = sysMunmap(c.rdi, c.rsi)
	case sysMADVISE:
		r = sysMadvise(c.rdi, c.rsi, c.rdx)
	case sysSIGACTION:
		r = sysSigaction(c.rdi, c.rsi, c.rdx)
	case sysSIGPROCMASK:
		r = sysSigprocmask(c, c.rdi, c.rsi, c.rdx)
	case sysSIGRETURN:
		sysSigreturn(c)
		return
	case sysSIGALTSTACK:
		r = sysSigaltstack(c, c.rdi, c.rsi)
	case sysTGKILL:
		r = sysTgkill(c.rsi, c.rdx)
	case sysTKILL:
		r = sysTgkill(c.rdi, c.rsi)
	case sysKILL:
		r = sysKill(c.rsi)
	case sysYIELD:
		c.state = again
		c.call = sysYIELDED
		return
	case sysYIELDED:
		r = 0
	case sysNANOSLEEP:
		r = sysNanosleep(c, c.rdi)
	case sysCLONE:
		r = sysClone(c, c.rdi, c.rsi, c.r10, c.r8)
	case sysEXIT:
		sysExit(c)
		return
	case sysEXITGROUP:
		exitCore(c.rdi)
	case sysFUTEX:
		r = sysFutex(c, c.rdi, c.rsi, c.rdx, c.r10)
	case sysSETITIMER:
		r = sysSetitimer(c.rdi, c.rsi, c.rdx)
	case sysTIMERCREATE:
		r = errno(eNOSYS) // the profiler then takes setitimer for all threads
	case sysGETPID, sysGETPGRP:
		r = 1
	case sysGETTID:
		r = c.tid
	case sysGETPPID, sysGETUID, sysGETGID, sysGETEUID, sysGETEGID:
		r = 0
	case sysUNAME:
		r = sysUname(c.rdi)
	case sysFCNTL:
		r = sysFcntl(c.rdi, c.rsi, c.rdx)
	case sysARCHPRCTL:
		r = sysArchPrctl(c, c.rdi, c.rsi)
	case sysPRCTL:
		r = errno(eINVAL)
	case sysGETAFFINITY:
		store64(c.rdx, 1)
		r = 8
	case sysCLOCKGETTIME:
		r = sysClockGettime(c.rdi, c.rsi)
	case sysEPOLLCREATE1:
		r = sysEpollCreate()
	case sysEPOLLCTL:
		r = sysEpollCtl(c.rdi, c.rsi, c.rdx, c.r10)
	case sysEPOLLPWAIT:
		r = sysEpollPwait(c, c.rdi, c.rsi, c.rdx, c.r10)
	case sysEVENTFD2:
		r = sysEventfd(c.rdi, c.rsi)
	case sysPIPE2:
		r = sysPipe(c.rdi, c.rsi)
	case sysPRLIMIT64:
		r = sysPrlimit(c.r10)
	case sysGETRANDOM:
		r = sysGetrandom(c.rdi, c.rsi)
	case sysOPENAT:
		r = sysOpenat(c.rdi, c.rsi, c.rdx)
	case sysPREAD64:
		r = sysPread(c, c.rdi, c.rsi, c.rdx, c.r10)
	case sysLSEEK:
		r = sysLseek(c.rdi, c.rsi, c.rdx)
	case sysNEWFSTATAT:
		r = sysFstatat(c.rdi, c.rsi, c.rdx, c.r10)
	case sysGETDENTS64:
		r = sysGetdents(c.rdi, c.rsi, c.rdx)
	case sysFACCESSAT, sysFACCESSAT2:
		r = sysFaccessat(c.rdi, c.rsi, c.rdx)
	case sysREADLINKAT:
		r = sysReadlinkat(c.rdi, c.rsi)
	case sysGETCWD:
		r = sysGetcwd(c.rdi, c.rsi)
	case sysCHDIR:
		r = sysChdir(find(atCurrent, c.rdi, false))
	case sysFCHDIR:
		r = sysChdir(placeOf(c.rdi))
	case sysTRUNCATE:
		r = refuseChange(atCurrent, c.rdi)
	case sysUNLINKAT, sysRENAMEAT, sysRENAMEAT2:
		r = refuseRemoval(c.rdi, c.rsi)
	case sysFCHMODAT, sysFCHOWNAT, sysUTIMENSAT:
		r = refuseChange(c.rdi, c.rsi)
	case sysMKDIRAT, sysMKNODAT:
		r = refuseNew(c.rdi, c.rsi)
	case sysSYMLINKAT:
		r = refuseNew(c.rsi, c.rdx)
	case sysLINKAT:
		r = refuseNew(c.rdx, c.r10)
	case sysFTRUNCATE, sysFCHMOD, sysFCHOWN:
		r = refuseFile(c.rdi)
	case sysIOCTL:
		r = errno(eNOTTY) // nothing here is a terminal
	case sysSENDFILE, sysSPLICE, sysCOPYFILERANGE:
		r = errno(eINVAL) // the caller copies by read and write
	case sysSOCKET:
		r = errno(eNETUNREACH)
		unserved(nr)
	case callWatch:
		r = newWatch(c.rdi, c.rsi, c.rdx)
	case callArm:
		r = armWatch(c.rdi, c.rsi, c.rdx)
	case callLate:
		r = nextLate(c, c.rdi)
	case callGrow:
		r = growFree(c.rdi)
	case callShrink:
		r = shrinkFree()
	case callMaps:
		r = snapshot(c.rdi)
	case callRing:
		ringDoorbell(c.rdi)
	case callBirth:
		r = beBorn()
	case callTree:
		r = addTree(c.rdi, c.rsi)
	case callStep:
		driverFlags = flagsIF | c.rdi
	case callArmTimer:
		callGate(gateArm, c.rdi)
	case callPages:
		r = debugPages(c.rdi, c.rsi, c.rdx)
	case callHandOver:
		r = handOver(c, c.rdi)
	case callReply:
		r = reply(c, c.rdi, c.r9)
	case callReceive:
		r = receive(c, c.r9)
	case callKick:
		r = kickDispatcher(c.rdi)
	case callDispatcher:
		r = newDispatcher(c, c.rdi, c.rsi)
	case callEnd:
		endDispatcher(c)
	case callJoin:
		r = joinDispatcher(c, c.rdi)
	case callShare:
		r = setShare(c.rdi, c.rsi, c.rdx)
	case callPower:
		setPower(c.rdi, c.rsi)
	case callRan:
		r = ran(c.rdi)
	case callLend:
		r = lendRAM(c.rdi)
	case callReturn:
		r = returnRAM(c.rdi, c.rsi)
	case callVNode:
		r = makeVNode(c.rdi, c.rsi)
	case callDropVNode:
		r = dropVNode(c.rdi)
	case callSteps:
		r = doSteps(c.rdi, c.rsi, c.rdx)
	case callEntry:
		r = entryOf(c.rdi)
	default:
		r = errno(eNOSYS)
		unserved(nr)
	}
	if c.state == runnable {
		c.rax = r
	}
}

// Numbers of the Linux system calls served (arch/x86/entry/syscalls/syscall_64.tbl).
const (
	sysREAD          = 0
	sysWRITE         = 1
	sysCLOSE         = 3
	sysFSTAT         = 5
	sysLSEEK         = 8
	sysMMAP          = 9
	sysMPROTECT      = 10
	sysMUNMAP        = 11
	sysSIGACTION     = 13
	sysSIGPROCMASK   = 14
	sysSIGRETURN     = 15
	sysIOCTL         = 16
	sysPREAD64       = 17
	sysYIELD         = 24
	sysMADVISE       = 28
	sysNANOSLEEP     = 35
	sysSETITIMER     = 38
	sysGETPID        = 39
	sysSENDFILE      = 40
	sysSOCKET        = 41
	sysCLONE         = 56
	sysEXIT          = 60
	sysKILL          = 62
	sysUNAME         = 63
	sysFCNTL         = 72
	sysTRUNCATE      = 76
	sysFTRUNCATE     = 77
	sysGETCWD        = 79
	sysCHDIR         = 80
	sysFCHDIR        = 81
	sysFCHMOD        = 91
	sysFCHOWN        = 93
	sysGETUID        = 102
	sysGETGID        = 104
	sysGETEUID       = 107
	sysGETEGID       = 108
	sysGETPPID       = 110
	sysGETPGRP       = 111
	sysSIGALTSTACK   = 131
	sysPRCTL         = 157
	sysARCHPRCTL     = 158
	sysGETTID        = 186
	sysTKILL         = 200
	sysFUTEX         = 202
	sysGETAFFINITY   = 204
	sysGETDENTS64    = 217
	sysTIMERCREATE   = 222
	sysCLOCKGETTIME  = 228
	sysEXITGROUP     = 231
	sysEPOLLCTL      = 233
	sysTGKILL        = 234
	sysOPENAT        = 257
	sysMKDIRAT       = 258
	sysMKNODAT       = 259
	sysFCHOWNAT      = 260
	sysNEWFSTATAT    = 262
	sysUNLINKAT      = 263
	sysRENAMEAT      = 264
	sysLINKAT        = 265
	sysSYMLINKAT     = 266
	sysREADLINKAT    = 267
	sysFCHMODAT      = 268
	sysFACCESSAT     = 269
	sysSPLICE        = 275
	sysUTIMENSAT     = 280
	sysEPOLLPWAIT    = 281
	sysEVENTFD2      = 290
	sysEPOLLCREATE1  = 291
	sysPIPE2         = 293
	sysPRLIMIT64     = 302
	sysRENAMEAT2     = 316
	sysGETRANDOM     = 318
	sysCOPYFILERANGE = 326
	sysFACCESSAT2    = 439
)

// Calls of the driver's own, beyond Linux's numbers; see invoke.
const (
	firstCall  = 0x1000
	sysYIELDED = firstCall + iota - 1 // second half of a yield
	callWatch
	callArm
	callLate
	callMaps
	callRing
	callTree
	callPages
	callStep
	callArmTimer
	callDispatcher
	callEnd
	callJoin
	callShare
	callRan
	callPower
	callKick
	callReceive
	callReply
	callHandOver
	callBirth
	callGrow
	callShrink
	callLend
	callReturn
	callVNode
	callDropVNode
	callSteps
	callEntry
)

// unservedSeen remembers which calls were named in the log already.
var unservedSeen [512 / 64]uint64

// unserved counts a call the driver does not know and names it once.
func unserved(nr uint64) {
	counters().Unserved++
	if nr >= 512 || unservedSeen[nr/64]>>(nr%64)&1 != 0 {
		return
	}
	unservedSeen[nr/64] |= 1 << (nr % 64)
	var l line
	l.text("system call ")
	l.decimal(nr)
	l.text(" is not served: answered with an error, further ones are only counted")
	l.log()
}
