package cpudriver

// sysUname fills struct utsname: six fields of 65 bytes.
func sysUname(buffer uint64) uint64 {
	const field = 65
	clear(bytesAt(buffer, 6*field))
	copy(bytesAt(buffer, field-1), "Linux") // the ABI served
	copy(bytesAt(buffer+field, field-1), "barreleye")
	copy(bytesAt(buffer+2*field, field-1), "6.1.0-barreleye")
	copy(bytesAt(buffer+4*field, field-1), "x86_64")
	return 0
}

// sysPrlimit reports the same limit for everything: the size of the
// descriptor table.
func sysPrlimit(old uint64) uint64 {
	if old != 0 {
		store64(old, maxFiles)
		store64(old+8, maxFiles)
	}
	return 0
}

// snapshot publishes the core's map table in its block as the answer to the
// given request.
func snapshot(request uint64) uint64 {
	b := block()
	n := addressSpace.Copy(view.Maps(coreID)[:])
	b.MapCount.Store(uint64(n))
	b.MapSeq.Store(request)
	return uint64(n)
}
