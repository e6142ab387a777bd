package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/filetree"
	"barreleye/devices/layout"
)

// The files of a guest are one read-only tree: what the VMM was given, and
// what the program mounts. A mount does not change the tree there is: package
// guest makes a new one, which refers to the data of the older ones, and hands
// it over (docs/reference/files.md). Open descriptors go on in the tree they were opened in.

// maxTrees bounds the trees of one core: the VMM's and one for each mount.
const maxTrees = 64

// treeAt is where one image lies.
type treeAt struct{ at, size uint64 }

var (
	trees     [maxTrees]treeAt
	treesN    int                      // the last one is the one that paths lead through
	emptyTree [filetree.EmptySize]byte // in place of the VMM's where it gave none
	working   [filetree.MaxPath]byte   // the current directory's path, at the array's end
	workingAt int                      // where it starts
)

func initTrees(b *boot.Page) {
	trees[0] = treeAt{layout.FilesVA, b.FilesSize}
	if b.FilesSize == 0 {
		filetree.PutEmpty(emptyTree[:])
		trees[0] = treeAt{addressOf(&emptyTree[0]), filetree.EmptySize}
	}
	treesN = 1
	workingAt = len(working) - 1
	working[workingAt] = '/'
}

// tree returns tree number i.
func tree(i int) (filetree.Tree, bool) {
	return filetree.Open(bytesAt(trees[i].at, trees[i].size))
}

// addTree makes the image of size bytes at address the tree that paths lead
// through. It must stay there for as long as the program runs.
func addTree(address, size uint64) uint64 {
	if treesN == maxTrees {
		return errno(eMFILE)
	}
	trees[treesN] = treeAt{address, size}
	if _, ok := tree(treesN); !ok {
		return errno(eINVAL)
	}
	treesN++
	return 0
}

// place is a node of a tree.
type place struct {
	tree int
	node uint32
}

// pack and unpack keep a place in one word of a descriptor.
func (p place) pack() uint64   { return uint64(p.tree)<<32 | uint64(p.node) }
func unpack(word uint64) place { return place{int(word >> 32), uint32(word)} }

// look returns the node at a place, or an errno.
func (p place) look() (filetree.Node, uint64) {
	if t, ok := tree(p.tree); ok {
		if n, ok := t.Node(p.node); ok {
			return n, 0
		}
	}
	return filetree.Node{}, errno(eIO)
}

// data returns what a file holds, or an errno.
func (p place) data() ([]byte, uint64) {
	n, e := p.look()
	if e != 0 {
		return nil, e
	}
	holder := p.tree
	if n.Holder != filetree.Here {
		holder = int(n.Holder) - 1
	}
	if holder < treesN {
		if b, ok := n.Data(bytesAt(trees[holder].at, trees[holder].size)); ok {
			return b, 0
		}
	}
	return nil, errno(eIO)
}

const (
	atCurrent   = 0xffff_ff9c // AT_FDCWD, of which 32 bits count
	atEmptyPath = 0x1000      // AT_EMPTY_PATH
)

// nowhere is the place a path leads to that has a name missing on the way.
var nowhere = place{tree: -1}

// find follows the path at address from descriptor dir, and returns where it
// leads or an errno. Where only the last name is missing the place is the
// directory that it would be in. emptyOK makes an empty path name dir itself.
func find(dir, address uint64, emptyOK bool) (place, uint64) {
	path, e := pathAt(address)
	if e != 0 {
		return nowhere, e
	}
	from := place{treesN - 1, 0}
	switch {
	case len(path) > 0 && path[0] == '/':
	case uint32(dir) == atCurrent:
		from, e = walk(from, working[workingAt:])
	default:
		from, e = placeOf(dir)
	}
	if e != 0 || len(path) == 0 && emptyOK {
		return from, e
	}
	return walk(from, path)
}

// placeOf returns what an open file or directory stands for, or an errno.
func placeOf(fd uint64) (place, uint64) {
	switch f := fileOf(uint64(uint32(fd))); {
	case f == nil:
		return nowhere, errno(eBADF)
	case f.kind == regular || f.kind == folder:
		return unpack(f.a), 0
	}
	return nowhere, errno(eNOTDIR)
}

func walk(from place, path []byte) (place, uint64) {
	t, ok := tree(from.tree)
	if !ok {
		return nowhere, errno(eIO)
	}
	node, fault := t.Walk(from.node, path)
	switch fault {
	case filetree.OK:
		return place{from.tree, node}, 0
	case filetree.Absent:
		return place{from.tree, node}, errno(eNOENT)
	case filetree.NotFound:
		return nowhere, errno(eNOENT)
	case filetree.NotDirectory:
		return nowhere, errno(eNOTDIR)
	case filetree.TooLong:
		return nowhere, errno(eNAMETOOLONG)
	}
	return nowhere, errno(eIO)
}

// pathAt returns the string at address, which ends with a zero.
func pathAt(address uint64) ([]byte, uint64) {
	if address < layout.PageSize {
		return nil, errno(eFAULT)
	}
	for n := uint64(0); n <= filetree.MaxPath; n++ {
		if bytesAt(address+n, 1)[0] == 0 {
			return bytesAt(address, n), 0
		}
	}
	return nil, errno(eNAMETOOLONG)
}

// sysGetcwd writes the current directory, with a zero behind it.
func sysGetcwd(buffer, size uint64) uint64 {
	path := working[workingAt:]
	n := uint64(len(path)) + 1
	if size < n {
		return errno(eRANGE)
	}
	copy(bytesAt(buffer, n), path)
	bytesAt(buffer, n)[n-1] = 0
	return n
}

// sysChdir makes p, or the error e of looking for it, the current directory.
func sysChdir(p place, e uint64) uint64 {
	if e != 0 {
		return e
	}
	n, e := p.look()
	if e != 0 {
		return e
	}
	if !n.IsDir() {
		return errno(eNOTDIR)
	}
	t, _ := tree(p.tree)
	start, ok := t.Path(p.node, working[:])
	if !ok { // only where the image is damaged
		workingAt = len(working) - 1
		working[workingAt] = '/'
		return errno(eIO)
	}
	workingAt = start
	return 0
}
