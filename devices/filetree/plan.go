package filetree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Errors of a plan.
var (
	ErrClash = errors.New("two files of one name")
	ErrPath  = errors.New("not an absolute path of plain names")
)

// Entry is one file or directory to go into an image.
type Entry struct {
	Path string      // absolute and clean, without "..", at most MaxPath bytes
	Mode fs.FileMode // a directory or a regular file; of permissions, only "executable" is kept
	Time time.Time   // last change
	Size uint64      // files: in bytes

	// Read fills b, which is Size bytes long, with the file's data.
	Read func(b []byte) error
	// Holder, if not Here, names the image where the data lie already, at
	// Offset: see Node. Read is not called.
	Holder uint32
	Offset uint64
}

// Plan collects the entries of an image. The zero Plan is an empty tree.
type Plan struct {
	entries map[string]Entry
}

// Add adds an entry and the directories it is in. A directory may be added
// twice; ErrClash where a file would be in the way of anything.
func (p *Plan) Add(e Entry) error {
	if !strings.HasPrefix(e.Path, "/") || path.Clean(e.Path) != e.Path || len(e.Path) > MaxPath || strings.IndexByte(e.Path, 0) >= 0 {
		return fmt.Errorf("%q: %w", e.Path, ErrPath)
	}
	if e.Path != "/" && slices.ContainsFunc(strings.Split(e.Path[1:], "/"), func(name string) bool { return len(name) > MaxName }) {
		return fmt.Errorf("%q: %w: a name has more than %d bytes", e.Path, ErrPath, MaxName)
	}
	if e.Mode.Type() != 0 && !e.Mode.IsDir() {
		return fmt.Errorf("%s: %v: %w", e.Path, e.Mode, fs.ErrInvalid)
	}
	if e.Path == "/" && !e.Mode.IsDir() {
		return fmt.Errorf("/: %w: the root is a directory", ErrClash)
	}
	if p.entries == nil {
		p.entries = map[string]Entry{"/": {Path: "/", Mode: fs.ModeDir}}
	}
	for dir := path.Dir(e.Path); dir != "/"; dir = path.Dir(dir) {
		if old, ok := p.entries[dir]; ok && !old.Mode.IsDir() {
			return fmt.Errorf("%s: %w: %s is a file already", e.Path, ErrClash, dir)
		}
	}
	if old, ok := p.entries[e.Path]; ok && !(old.Mode.IsDir() && e.Mode.IsDir()) {
		return fmt.Errorf("%s: %w", e.Path, ErrClash)
	}
	for dir := path.Dir(e.Path); dir != "/"; dir = path.Dir(dir) {
		if _, ok := p.entries[dir]; !ok {
			p.entries[dir] = Entry{Path: dir, Mode: fs.ModeDir, Time: e.Time}
		}
	}
	p.entries[e.Path] = e
	return nil
}

// AddTree adds all that tree number holder, as a Node counts them, holds.
func (p *Plan) AddTree(t Tree, holder uint32) error {
	var b [MaxPath + 1]byte
	for i := range t.Nodes() {
		n, ok := t.Node(i)
		start, fits := t.Path(i, b[:])
		if !ok || !fits {
			return fmt.Errorf("file tree: node %d is damaged", i)
		}
		e := Entry{
			Path: string(b[start:]), Mode: fs.FileMode(n.Mode & 0o777), Time: time.Unix(0, n.Time),
			Size: n.Size, Holder: n.Holder, Offset: n.Offset,
		}
		switch {
		case n.IsDir():
			e.Mode |= fs.ModeDir
		case n.Holder == Here:
			e.Holder = holder
		}
		if err := p.Add(e); err != nil {
			return err
		}
	}
	return nil
}

// Entries returns what was added, and the directories it is in, sorted by
// path: a directory comes before what is in it.
func (p *Plan) Entries() []Entry {
	list := slices.Collect(maps.Values(p.entries))
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// Layout is a plan with everything in its place.
type Layout struct {
	Size  uint64 // bytes of the image
	nodes []placed
}

// placed is one node with its entry and where its name lies.
type placed struct {
	entry *Entry
	node  Node
	name  uint64
}

// dataAlign is what file data are aligned to in the image, in bytes.
const dataAlign = 64

// Permissions returns what of an entry's mode programs see: everybody may read,
// enter directories, and execute what anybody may execute.
func Permissions(mode fs.FileMode) fs.FileMode {
	if mode.IsDir() || mode&0o111 != 0 {
		return 0o555
	}
	return 0o444
}

// Cost returns the most that an entry of this name adds to an image, in bytes.
func Cost(name string, size uint64) uint64 {
	return NodeSize + uint64(len(name)) + size + dataAlign - 1
}

// Layout places every node, name and file.
func (p *Plan) Layout() *Layout {
	entries := p.entries
	if entries == nil {
		entries = map[string]Entry{"/": {Path: "/", Mode: fs.ModeDir}}
	}
	inside := map[string][]string{} // names by directory
	for name := range entries {
		if name != "/" {
			inside[path.Dir(name)] = append(inside[path.Dir(name)], name)
		}
	}
	root := entries["/"]
	l := &Layout{nodes: []placed{{entry: &root}}}
	for i := 0; i < len(l.nodes); i++ { // breadth first: siblings are neighbours
		children := inside[l.nodes[i].entry.Path]
		slices.Sort(children)
		l.nodes[i].node.First, l.nodes[i].node.Count = uint32(len(l.nodes)), uint32(len(children))
		for _, c := range children {
			e := entries[c]
			l.nodes = append(l.nodes, placed{entry: &e, node: Node{Name: []byte(path.Base(c)), Parent: uint32(i)}})
		}
	}
	at := uint64(HeaderSize + NodeSize*len(l.nodes))
	for i := range l.nodes {
		l.nodes[i].name = at
		at += uint64(len(l.nodes[i].node.Name))
	}
	for i := range l.nodes {
		e, n := l.nodes[i].entry, &l.nodes[i].node
		n.Mode = Regular
		if e.Mode.IsDir() {
			n.Mode = Directory
		}
		n.Mode |= uint32(Permissions(e.Mode))
		if !e.Time.IsZero() {
			n.Time = e.Time.UnixNano()
		}
		if e.Mode.IsDir() {
			continue
		}
		n.First, n.Count = 0, 0
		n.Size, n.Holder, n.Offset = e.Size, e.Holder, e.Offset
		if e.Holder == Here {
			at = (at + dataAlign - 1) &^ (dataAlign - 1)
			n.Offset = at
			at += e.Size
		}
	}
	l.Size = at
	return l
}

// Write fills b, which is Size bytes long or longer and zero, reading the data
// of every file once.
func (l *Layout) Write(b []byte) error {
	putHeader(b, l.Size, uint64(len(l.nodes)))
	for i, p := range l.nodes {
		putNode(b, i, p.node, p.name)
		copy(b[p.name:], p.node.Name)
		if p.node.IsDir() || p.node.Holder != Here {
			continue
		}
		if err := p.entry.Read(b[p.node.Offset:][:p.node.Size:p.node.Size]); err != nil {
			return fmt.Errorf("%s: %w", p.entry.Path, err)
		}
	}
	return nil
}
