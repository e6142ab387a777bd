// Package filetree is the format of the read-only files that guests see: one
// flat image, written whole before anybody reads it. The VMM makes one of the
// files that `barreleye run --file` names, and all guests map it; package guest
// makes one of a file system that a program brings along. The CPU driver
// serves open, read and their kin from it, so the reader allocates nothing,
// holds no state, and checks every word: a damaged image gives errors, never a
// read outside of it. docs/reference/files.md describes the format.
//
//	header   64 bytes: magic, version, bytes of the image, number of nodes
//	nodes    64 bytes each; node 0 is the root directory. A directory's
//	         entries are neighbours, sorted by name, behind it
//	names    of the nodes, without path
//	data     of the files, each at a multiple of 64
//
// All words are little-endian.
package filetree

import (
	"bytes"
	"encoding/binary"
)

// Magic marks an image ("BRLFILE1"); Version changes with the format.
const (
	Magic   = 0x31454c49464c5242
	Version = 1
)

// Sizes in bytes.
const (
	HeaderSize = 64
	NodeSize   = 64
	EmptySize  = HeaderSize + NodeSize // an image of nothing but the root
	MaxName    = 255                   // of one name
	MaxPath    = 4095                  // of a whole path
)

// Places of the header's words.
const (
	atMagic   = 0
	atVersion = 8
	atSize    = 16
	atNodes   = 24
)

// Places of a node's words, in bytes from its start.
const (
	atName     = 0  // u64: where the name lies in the image
	atNameSize = 8  // u32
	atMode     = 12 // u32: as in Linux's struct stat
	atParent   = 16 // u32: node of the directory it is in, 0 for the root
	atFirst    = 20 // u32: directories: node of the first entry
	atCount    = 24 // u32: directories: number of entries
	atHolder   = 28 // u32: files: 0: the data lie in this image; n: in image n-1 (Node.Holder)
	atData     = 32 // u64: files: where the data lie in the image that holds them
	atDataSize = 40 // u64
	atTime     = 48 // i64: last change, ns since 1970
)

// Types in a node's mode, as on Linux.
const (
	TypeMask  = 0o170000
	Directory = 0o040000
	Regular   = 0o100000
)

// Node is one file or directory.
type Node struct {
	Name   []byte
	Mode   uint32 // type and permissions, as on Linux
	Parent uint32
	First  uint32 // directories: node of the first entry
	Count  uint32 // directories: number of entries
	Holder uint32 // files: Here, or 1 + the number of the image that holds the data
	Offset uint64 // files: where the data lie there
	Size   uint64 // files: in bytes
	Time   int64  // last change, ns since 1970
}

// Here is the holder of data that lie in the node's own image.
const Here = 0

// IsDir reports whether the node is a directory.
func (n *Node) IsDir() bool { return n.Mode&TypeMask == Directory }

// Data returns the file's data in the image that holds them, or false where
// they do not lie inside it.
func (n *Node) Data(holder []byte) ([]byte, bool) {
	size := uint64(len(holder))
	if n.Offset > size || n.Size > size-n.Offset {
		return nil, false
	}
	return holder[n.Offset : n.Offset+n.Size], true
}

// Tree reads an image.
type Tree struct {
	b     []byte
	nodes uint32
}

// Open checks the header of the image in b.
func Open(b []byte) (Tree, bool) {
	if len(b) < EmptySize || word(b, atMagic) != Magic || word(b, atVersion) != Version {
		return Tree{}, false
	}
	size, nodes := word(b, atSize), word(b, atNodes)
	if size > uint64(len(b)) || size < EmptySize || nodes == 0 || nodes > (size-HeaderSize)/NodeSize || nodes > 1<<31 {
		return Tree{}, false
	}
	return Tree{b[:size], uint32(nodes)}, true
}

// Bytes returns the image.
func (t Tree) Bytes() []byte { return t.b }

// Nodes returns how many nodes there are.
func (t Tree) Nodes() uint32 { return t.nodes }

// Node returns node i, or false where there is none or it is damaged.
func (t Tree) Node(i uint32) (n Node, ok bool) {
	if i >= t.nodes {
		return n, false
	}
	w := t.b[HeaderSize+uint64(i)*NodeSize:][:NodeSize]
	name, length := word(w, atName), uint64(half(w, atNameSize))
	size := uint64(len(t.b))
	if length > MaxName || name > size || length > size-name {
		return n, false
	}
	n = Node{
		Name: t.b[name : name+length], Mode: half(w, atMode), Parent: half(w, atParent),
		First: half(w, atFirst), Count: half(w, atCount), Holder: half(w, atHolder),
		Offset: word(w, atData), Size: word(w, atDataSize), Time: int64(word(w, atTime)),
	}
	switch n.Mode & TypeMask {
	case Directory:
		// Entries lie behind their directory, so that no way down or up goes on for ever.
		if n.Count > 0 && n.First <= i || uint64(n.First)+uint64(n.Count) > uint64(t.nodes) {
			return n, false
		}
	case Regular:
		if n.Size > 1<<62 {
			return n, false
		}
	default:
		return n, false
	}
	if n.Parent >= i && i != 0 || n.Parent != 0 && i == 0 {
		return n, false
	}
	return n, true
}

func word(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
func half(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

// Fault is why a path leads nowhere.
type Fault uint8

// Faults.
const (
	OK           Fault = iota
	NotFound           // a name on the way is not there
	Absent             // only the last name is not there
	NotDirectory       // something on the way is no directory
	TooLong            // a name is longer than MaxName, or the path than MaxPath
	Damaged            // the image is
)

// Walk follows path from node from, which is the root for an absolute path.
// A path that ends in a slash leads to directories only. Where the fault is
// Absent the node is the directory that the last name would be in.
func (t Tree) Walk(from uint32, path []byte) (uint32, Fault) {
	if len(path) > MaxPath {
		return 0, TooLong
	}
	if len(path) == 0 {
		return 0, NotFound
	}
	at := from
	if path[0] == '/' {
		at = 0
	}
	n, ok := t.Node(at)
	for ok {
		for len(path) > 0 && path[0] == '/' {
			path = path[1:]
			if !n.IsDir() {
				return 0, NotDirectory
			}
		}
		if len(path) == 0 {
			return at, OK
		}
		end := bytes.IndexByte(path, '/')
		if end < 0 {
			end = len(path)
		}
		name := path[:end]
		path = path[end:]
		switch {
		case !n.IsDir():
			return 0, NotDirectory
		case len(name) == 1 && name[0] == '.':
			continue
		case len(name) == 2 && name[0] == '.' && name[1] == '.':
			at = n.Parent
		case len(name) > MaxName:
			return 0, TooLong
		default:
			next, fault := t.find(n, name)
			if fault == Absent && len(bytes.TrimLeft(path, "/")) > 0 {
				fault = NotFound
			}
			if fault != OK {
				return at, fault
			}
			at = next
		}
		n, ok = t.Node(at)
	}
	return 0, Damaged
}

// find looks for an entry of a directory by its name.
func (t Tree) find(dir Node, name []byte) (uint32, Fault) {
	low, high := dir.First, dir.First+dir.Count
	for low < high {
		middle := low + (high-low)/2
		n, ok := t.Node(middle)
		if !ok {
			return 0, Damaged
		}
		switch bytes.Compare(n.Name, name) {
		case 0:
			return middle, OK
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return 0, Absent
}

// Path writes the absolute path of node i to the end of b and returns where it
// starts, or false where it does not fit or the image is damaged.
func (t Tree) Path(i uint32, b []byte) (start int, ok bool) {
	start = len(b)
	for i != 0 {
		n, ok := t.Node(i)
		if !ok || len(n.Name)+1 > start {
			return 0, false
		}
		start -= len(n.Name)
		copy(b[start:], n.Name)
		start--
		b[start] = '/'
		i = n.Parent
	}
	if start == len(b) {
		if start == 0 {
			return 0, false
		}
		start--
		b[start] = '/'
	}
	return start, true
}

// PutEmpty writes an image of nothing but an empty root to b, which is
// EmptySize bytes long or longer.
func PutEmpty(b []byte) {
	putHeader(b, EmptySize, 1)
	putNode(b, 0, Node{Mode: Directory | 0o555}, EmptySize)
}

func putHeader(b []byte, size uint64, nodes uint64) {
	binary.LittleEndian.PutUint64(b[atMagic:], Magic)
	binary.LittleEndian.PutUint64(b[atVersion:], Version)
	binary.LittleEndian.PutUint64(b[atSize:], size)
	binary.LittleEndian.PutUint64(b[atNodes:], nodes)
}

// putNode writes node i, whose name lies at name.
func putNode(b []byte, i int, n Node, name uint64) {
	w := b[HeaderSize+i*NodeSize:][:NodeSize]
	binary.LittleEndian.PutUint64(w[atName:], name)
	binary.LittleEndian.PutUint32(w[atNameSize:], uint32(len(n.Name)))
	binary.LittleEndian.PutUint32(w[atMode:], n.Mode)
	binary.LittleEndian.PutUint32(w[atParent:], n.Parent)
	binary.LittleEndian.PutUint32(w[atFirst:], n.First)
	binary.LittleEndian.PutUint32(w[atCount:], n.Count)
	binary.LittleEndian.PutUint32(w[atHolder:], n.Holder)
	binary.LittleEndian.PutUint64(w[atData:], n.Offset)
	binary.LittleEndian.PutUint64(w[atDataSize:], n.Size)
	binary.LittleEndian.PutUint64(w[atTime:], uint64(n.Time))
}
