package cpudriver

// Opening, reading and seeking in the files of the tree, and the refusals of
// everything that would change it.

const (
	openAccess    = 3 // O_ACCMODE: 0 is reading
	openCreate    = 0o100
	openExclusive = 0o200
	openTruncate  = 0o1000
	openDirectory = 0o200000
	openTemporary = 0o20000000 // O_TMPFILE without O_DIRECTORY
)

// sysOpenat opens a file or directory of the tree for reading.
func sysOpenat(dir, path, flags uint64) uint64 {
	p, e := find(dir, path, false)
	if flags&openCreate != 0 && e == errno(eNOENT) && p != nowhere || flags&openTemporary != 0 && e == 0 {
		return errno(eROFS)
	}
	if e != 0 {
		return e
	}
	n, e := p.look()
	writes := flags&openAccess != 0 || flags&openTruncate != 0
	switch {
	case e != 0:
		return e
	case flags&openCreate != 0 && flags&openExclusive != 0:
		return errno(eEXIST)
	case n.IsDir() && (writes || flags&openCreate != 0):
		return errno(eISDIR)
	case !n.IsDir() && flags&openDirectory != 0:
		return errno(eNOTDIR)
	case writes:
		return errno(eROFS)
	}
	kind := uint8(regular)
	if n.IsDir() {
		kind = folder
	}
	fd := newFile(kind, flags&openNonblock != 0)
	if fd < 0 {
		return errno(eMFILE)
	}
	files[fd].a = p.pack()
	return uint64(fd)
}

// readSlice is how many bytes are copied before the driver looks whether an
// event has come in: it cannot be interrupted, and files may be large.
const readSlice = 1 << 20

// copyData copies n bytes of a file from offset on to buffer, at most to its
// end. When an event comes in other threads have their turn first: done is
// false, and the call is to be issued again, which goes on at c.progress.
func copyData(c *context, data []byte, offset, buffer, n uint64) (done bool) {
	n = min(n, uint64(len(data))-min(offset, uint64(len(data))))
	for c.progress < n {
		step := min(n-c.progress, readSlice)
		copy(bytesAt(buffer+c.progress, step), data[offset+c.progress:])
		c.progress += step
		if pending != 0 && c.progress < n {
			c.state = again
			return false
		}
	}
	return true
}

// readRegular serves read of a file.
func readRegular(c *context, f *file, buffer, n uint64) uint64 {
	data, e := unpack(f.a).data()
	if e != 0 {
		return e
	}
	if !copyData(c, data, f.b, buffer, n) {
		return 0
	}
	f.b += c.progress
	return c.progress
}

// sysPread serves pread64.
func sysPread(c *context, fd, buffer, n, offset uint64) uint64 {
	f := fileOf(fd)
	switch {
	case f == nil:
		return errno(eBADF)
	case f.kind == folder:
		return errno(eISDIR)
	case f.kind != regular:
		return errno(eSPIPE)
	case int64(offset) < 0:
		return errno(eINVAL)
	}
	data, e := unpack(f.a).data()
	if e != 0 {
		return e
	}
	copyData(c, data, offset, buffer, n)
	return c.progress
}

// sysLseek serves lseek. A directory's offset counts entries.
func sysLseek(fd, offset, whence uint64) uint64 {
	f := fileOf(fd)
	if f == nil {
		return errno(eBADF)
	}
	if f.kind != regular && f.kind != folder {
		return errno(eSPIPE)
	}
	n, e := unpack(f.a).look()
	if e != 0 {
		return e
	}
	size := n.Size
	if f.kind == folder {
		size = uint64(n.Count)
	}
	switch whence {
	case 0: // SEEK_SET
	case 1: // SEEK_CUR
		offset += f.b
	case 2: // SEEK_END
		offset += size
	default:
		return errno(eINVAL)
	}
	if int64(offset) < 0 {
		return errno(eINVAL)
	}
	f.b = offset
	return offset
}

// sysFaccessat tells whether a file may be used in the given ways.
func sysFaccessat(dir, path, ways uint64) uint64 {
	const execute, write = 1, 2
	p, e := find(dir, path, false)
	if e != 0 {
		return e
	}
	n, e := p.look()
	switch {
	case e != 0:
		return e
	case ways&write != 0:
		return errno(eROFS)
	case ways&execute != 0 && n.Mode&0o111 == 0:
		return errno(eACCES)
	}
	return 0
}

// sysReadlinkat answers that what there is is no symbolic link.
func sysReadlinkat(dir, path uint64) uint64 {
	if _, e := find(dir, path, true); e != 0 {
		return e
	}
	return errno(eINVAL)
}

// refuseChange answers a call that would change the file at path.
func refuseChange(dir, path uint64) uint64 {
	if _, e := find(dir, path, false); e != 0 {
		return e
	}
	return errno(eROFS)
}

// refuseNew answers a call that would make a new file at path.
func refuseNew(dir, path uint64) uint64 {
	p, e := find(dir, path, false)
	if e == 0 {
		return errno(eEXIST)
	}
	return refuseEntry(p, e)
}

// refuseRemoval answers a call that would take a name out of its directory;
// Linux does not look whether it is there.
func refuseRemoval(dir, path uint64) uint64 { return refuseEntry(find(dir, path, false)) }

// refuseEntry is the answer where the directory that an entry is or would be
// in can be had. It takes what find returned.
func refuseEntry(p place, e uint64) uint64 {
	if p == nowhere {
		return e
	}
	return errno(eROFS)
}

// refuseFile answers a call that would change an open file.
func refuseFile(fd uint64) uint64 {
	switch f := fileOf(fd); {
	case f == nil:
		return errno(eBADF)
	case f.kind == regular || f.kind == folder:
		return errno(eROFS)
	}
	return errno(eINVAL)
}
