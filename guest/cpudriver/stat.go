package cpudriver

import "barreleye/devices/filetree"

// struct stat of x86-64 (arch/x86/include/uapi/asm/stat.h): its size, and
// where the fields lie that are not zero.
const (
	statSize   = 144
	statInode  = 8
	statLinks  = 16 // u64
	statMode   = 24 // u32
	statLength = 48
	statBlock  = 56 // bytes best read at once
	statBlocks = 64 // units of 512 bytes
	statTimes  = 88 // last change of the data as seconds and ns; 16 before and behind it last access and change
	modeFifo   = 0o010600
	modeChar   = 0o020600
)

// sysFstat fills struct stat: of files and directories as the tree has them;
// the console is a character device, but core 0's input a pipe, as is the rest.
func sysFstat(fd, buffer uint64) uint64 {
	f := fileOf(fd)
	if f == nil {
		return errno(eBADF)
	}
	mode := uint32(modeFifo)
	switch {
	case f.kind == regular || f.kind == folder:
		return stat(unpack(f.a), buffer)
	case f.kind == console && (fd != 0 || coreID != 0):
		mode = modeChar
	}
	clear(bytesAt(buffer, statSize))
	store64(buffer+statLinks, 1)
	store32(buffer+statMode, mode)
	store64(buffer+statBlock, 4096)
	return 0
}

const statFlags = atEmptyPath | 0x100 | 0x800 // AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT: there are neither

// sysFstatat serves newfstatat.
func sysFstatat(dir, path, buffer, flags uint64) uint64 {
	if flags&^statFlags != 0 {
		return errno(eINVAL)
	}
	p, e := find(dir, path, flags&atEmptyPath != 0)
	if e != 0 {
		return e
	}
	return stat(p, buffer)
}

func stat(p place, buffer uint64) uint64 {
	n, e := p.look()
	if e != 0 {
		return e
	}
	clear(bytesAt(buffer, statSize))
	store64(buffer+statInode, inode(p.node))
	store64(buffer+statLinks, 1)
	store32(buffer+statMode, n.Mode)
	store64(buffer+statLength, n.Size)
	store64(buffer+statBlock, 4096)
	store64(buffer+statBlocks, (n.Size+511)/512)
	seconds, rest := n.Time/1e9, n.Time%1e9
	if rest < 0 {
		seconds, rest = seconds-1, rest+1e9
	}
	for at := uint64(statTimes - 16); at <= statTimes+16; at += 16 {
		store64(buffer+at, uint64(seconds))
		store64(buffer+at+8, uint64(rest))
	}
	return 0
}

// inode returns a node's number for programs, in which 0 is none.
func inode(node uint32) uint64 { return uint64(node) + 1 }

// Kinds in a directory's listing (DT_DIR, DT_REG).
const (
	listDirectory = 4
	listRegular   = 8
)

// sysGetdents lists entries of a directory as struct linux_dirent64: inode
// (u64), position behind it (u64), length (u16), kind (u8), name, zero.
func sysGetdents(fd, buffer, size uint64) uint64 {
	f := fileOf(fd)
	switch {
	case f == nil:
		return errno(eBADF)
	case f.kind != folder:
		return errno(eNOTDIR)
	}
	const header = 19
	p := unpack(f.a)
	dir, e := p.look()
	if e != 0 {
		return e
	}
	done := uint64(0)
	for f.b < uint64(dir.Count) {
		child := place{p.tree, dir.First + uint32(f.b)}
		n, e := child.look()
		if e != 0 {
			return e
		}
		length := (header + uint64(len(n.Name)) + 1 + 7) &^ 7
		if length > size-done {
			if done == 0 {
				return errno(eINVAL)
			}
			break
		}
		f.b++
		at := buffer + done
		clear(bytesAt(at, length))
		store64(at, inode(child.node))
		store64(at+8, f.b)
		kind := byte(listRegular)
		if n.Mode&filetree.TypeMask == filetree.Directory {
			kind = listDirectory
		}
		store32(at+16, uint32(length)|uint32(kind)<<16)
		copy(bytesAt(at+header, uint64(len(n.Name))), n.Name)
		done += length
	}
	return done
}
