package filetree

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
)

var stamp = time.Unix(1_700_000_000, 123_000_000)

// file returns an entry with text as its data.
func file(path, text string) Entry {
	return Entry{Path: path, Mode: 0o644, Time: stamp, Size: uint64(len(text)), Read: func(b []byte) error {
		copy(b, text)
		return nil
	}}
}

func plan(t testing.TB, entries ...Entry) *Plan {
	t.Helper()
	p := &Plan{}
	for _, e := range entries {
		if err := p.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// image returns the plan's image.
func image(t testing.TB, p *Plan) []byte {
	t.Helper()
	l := p.Layout()
	b := make([]byte, l.Size)
	if err := l.Write(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, b []byte) Tree {
	t.Helper()
	tree, ok := Open(b)
	if !ok {
		t.Fatal("a fresh image is refused")
	}
	return tree
}

func sample(t testing.TB) Tree {
	tool := file("/bin/tool", "#!")
	tool.Mode = 0o750
	return open(t, image(t, plan(t, file("/a", "alpha"), file("/a-b", "hyphen"), file("/b/c/d", "deep"), file("/b/c.d", ""),
		Entry{Path: "/empty", Mode: fs.ModeDir | 0o700, Time: stamp}, tool)))
}

func TestWalk(t *testing.T) {
	tree := sample(t)
	long := strings.Repeat("x", MaxName+1)
	for _, c := range []struct {
		from, path string
		want       Fault
		data       string // of a file; "dir" for a directory
	}{
		{"/", "/", OK, "dir"}, {"/", "//", OK, "dir"}, {"/", ".", OK, "dir"}, {"/", "..", OK, "dir"}, {"/", "", NotFound, ""},
		{"/", "/a", OK, "alpha"}, {"/", "a", OK, "alpha"}, {"/", "./a", OK, "alpha"}, {"/", "/a-b", OK, "hyphen"},
		{"/", "/b/c/d", OK, "deep"}, {"/", "b//c/./d", OK, "deep"}, {"/", "/b/c/../c.d", OK, ""}, {"/", "/b/../../../a", OK, "alpha"},
		{"/", "/b", OK, "dir"}, {"/", "/b/", OK, "dir"}, {"/", "/empty/", OK, "dir"}, {"/", "/bin/tool", OK, "#!"},
		{"/b", "c/d", OK, "deep"}, {"/b/c", "../c.d", OK, ""}, {"/b/c", "/a", OK, "alpha"}, {"/b/c", "..", OK, "dir"}, {"/b/c", "d/", NotDirectory, ""},
		{"/", "/c", Absent, ""}, {"/", "/a-", Absent, ""}, {"/", "/b/c/e", Absent, ""}, {"/", "/empty/x", Absent, ""}, {"/", "/nothere/x", NotFound, ""}, {"/", "/nothere//", Absent, ""},
		{"/", "/a/", NotDirectory, ""}, {"/", "/a/x", NotDirectory, ""}, {"/", "/a/..", NotDirectory, ""}, {"/", "/a/.", NotDirectory, ""},
		{"/", "/" + long, TooLong, ""}, {"/", strings.Repeat("/b", MaxPath), TooLong, ""},
	} {
		from, fault := tree.Walk(0, []byte(c.from))
		if fault != OK {
			t.Fatalf("%s: %v", c.from, fault)
		}
		i, fault := tree.Walk(from, []byte(c.path))
		if fault != c.want {
			t.Errorf("%s from %s: %v, want %v", c.path, c.from, fault, c.want)
			continue
		}
		if n, _ := tree.Node(i); fault == Absent && !n.IsDir() {
			t.Errorf("%s from %s: would be in node %d, which is no directory", c.path, c.from, i)
		}
		if fault != OK {
			continue
		}
		n, ok := tree.Node(i)
		data, inside := n.Data(tree.Bytes())
		got := string(data)
		if n.IsDir() {
			got = "dir"
		}
		if !ok || !inside || got != c.data {
			t.Errorf("%s from %s: %q, %v, %v, want %q", c.path, c.from, got, ok, inside, c.data)
		}
	}
}

// TestListing: a directory's entries are all there, in order, with their path,
// mode and time.
func TestListing(t *testing.T) {
	tree := sample(t)
	var list func(dir uint32) []string
	list = func(dir uint32) (names []string) {
		d, _ := tree.Node(dir)
		for i := d.First; i < d.First+d.Count; i++ {
			n, ok := tree.Node(i)
			var b [MaxPath]byte
			start, fits := tree.Path(i, b[:])
			if !ok || !fits {
				t.Fatalf("node %d: %v, %v", i, ok, fits)
			}
			names = append(names, fmt.Sprintf("%s %o %d", b[start:], n.Mode, n.Time))
			if n.IsDir() {
				names = append(names, list(i)...)
			}
		}
		return names
	}
	at := stamp.UnixNano()
	want := []string{
		fmt.Sprintf("/a 100444 %d", at), fmt.Sprintf("/a-b 100444 %d", at),
		fmt.Sprintf("/b 40555 %d", at), fmt.Sprintf("/b/c 40555 %d", at), fmt.Sprintf("/b/c/d 100444 %d", at), fmt.Sprintf("/b/c.d 100444 %d", at),
		fmt.Sprintf("/bin 40555 %d", at), fmt.Sprintf("/bin/tool 100555 %d", at), fmt.Sprintf("/empty 40555 %d", at),
	}
	if got := list(0); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPathThatDoesNotFit(t *testing.T) {
	tree := sample(t)
	i, _ := tree.Walk(0, []byte("/b/c/d"))
	for n := range len("/b/c/d") {
		if _, ok := tree.Path(i, make([]byte, n)); ok {
			t.Errorf("/b/c/d fits %d bytes", n)
		}
	}
	if _, ok := tree.Path(0, nil); ok {
		t.Error("/ fits no byte")
	}
}

func TestAddRefuses(t *testing.T) {
	for _, c := range []struct {
		first, second Entry
		want          error
	}{
		{file("/a", ""), file("/a", ""), ErrClash},
		{file("/a", ""), file("/a/b", ""), ErrClash},
		{file("/a/b", ""), file("/a", ""), ErrClash},
		{file("/a", ""), Entry{Path: "/a", Mode: fs.ModeDir}, ErrClash},
		{file("/a", ""), file("/", ""), ErrClash},
		{file("/a", ""), file("b", ""), ErrPath},
		{file("/a", ""), file("/b/", ""), ErrPath},
		{file("/a", ""), file("/b/../c", ""), ErrPath},
		{file("/a", ""), file("/b\x00", ""), ErrPath},
		{file("/a", ""), file("/"+strings.Repeat("b", MaxName+1), ""), ErrPath},
		{file("/a", ""), file(strings.Repeat("/b", MaxPath/2+1), ""), ErrPath},
		{file("/a", ""), Entry{Path: "/b", Mode: fs.ModeSymlink}, fs.ErrInvalid},
		{Entry{Path: "/a", Mode: fs.ModeDir}, Entry{Path: "/a", Mode: fs.ModeDir}, nil},
		{file("/a/b", ""), Entry{Path: "/a", Mode: fs.ModeDir}, nil},
	} {
		p := plan(t, c.first)
		before := len(p.Entries())
		if err := p.Add(c.second); !errors.Is(err, c.want) {
			t.Errorf("%s, then %s: %v, want %v", c.first.Path, c.second.Path, err, c.want)
		} else if err != nil && len(p.Entries()) != before {
			t.Errorf("%s, then %s: refused, but %d entries became %d", c.first.Path, c.second.Path, before, len(p.Entries()))
		}
	}
}

// TestMerge: a tree that takes over another one's files refers to their data
// where they lie, also when it is taken over in turn.
func TestMerge(t *testing.T) {
	images := [][]byte{image(t, plan(t, file("/a", "first"), file("/d/x", "in d")))}
	for i, add := range []Entry{file("/d/y", "second"), file("/z", "third")} {
		p := plan(t, add)
		if err := p.AddTree(open(t, images[i]), uint32(i)+1); err != nil {
			t.Fatal(err)
		}
		images = append(images, image(t, p))
	}
	tree := open(t, images[2])
	for path, want := range map[string]string{"/a": "first", "/d/x": "in d", "/d/y": "second", "/z": "third"} {
		i, fault := tree.Walk(0, []byte(path))
		n, _ := tree.Node(i)
		holder := images[2]
		if n.Holder != Here {
			holder = images[n.Holder-1]
		}
		if data, ok := n.Data(holder); fault != OK || !ok || string(data) != want {
			t.Errorf("%s: %q, %v, fault %v, want %q", path, data, ok, fault, want)
		}
	}
	p := plan(t, file("/d", ""))
	if err := p.AddTree(tree, 3); !errors.Is(err, ErrClash) {
		t.Errorf("a file in the way of a tree's directory: %v", err)
	}
}

func TestWriteReportsTheFile(t *testing.T) {
	bad := file("/b/bad", "x")
	cause := errors.New("the disk is gone")
	bad.Read = func([]byte) error { return cause }
	l := plan(t, file("/a", "x"), bad).Layout()
	if err := l.Write(make([]byte, l.Size)); !errors.Is(err, cause) || !strings.Contains(err.Error(), "/b/bad") {
		t.Errorf("got %v", err)
	}
}

func TestEmptyTrees(t *testing.T) {
	var put [EmptySize]byte
	PutEmpty(put[:])
	for name, b := range map[string][]byte{"PutEmpty": put[:], "the zero Plan": image(t, &Plan{})} {
		tree := open(t, b)
		if i, fault := tree.Walk(0, []byte("/")); i != 0 || fault != OK {
			t.Errorf("%s: root: %d, %v", name, i, fault)
		}
		if _, fault := tree.Walk(0, []byte("/x")); fault != Absent {
			t.Errorf("%s: /x: %v", name, fault)
		}
	}
}

// TestReadingAllocatesNothing: the driver reads where no memory can be had.
func TestReadingAllocatesNothing(t *testing.T) {
	b := sample(t).Bytes()
	path := []byte("/b/c/../c/d")
	var buf [MaxPath]byte
	if n := testing.AllocsPerRun(100, func() {
		tree, _ := Open(b)
		i, _ := tree.Walk(0, path)
		n, _ := tree.Node(i)
		n.Data(b)
		tree.Path(i, buf[:])
		PutEmpty(buf[:])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzTree: whatever the bytes are, reading ends, and stays inside of them.
func FuzzTree(f *testing.F) {
	good := sample(f).Bytes()
	f.Add(good, "/b/c/d")
	var empty [EmptySize]byte
	PutEmpty(empty[:])
	f.Add(empty[:], "/")
	for _, at := range []int{atSize, atNodes, HeaderSize + atFirst, HeaderSize + atCount, HeaderSize + NodeSize + atName, HeaderSize + NodeSize + atData, HeaderSize + 3*NodeSize + atParent} {
		for _, v := range []byte{0, 1, 2, 0xff} {
			bad := slices.Clone(good)
			bad[at] = v
			f.Add(bad, "/b/../b/c/d/x")
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, path string) {
		tree, ok := Open(b)
		if !ok {
			return
		}
		if i, fault := tree.Walk(0, []byte(path)); fault == OK {
			if _, ok := tree.Node(i); !ok {
				t.Errorf("%q leads to node %d, which is damaged", path, i)
			}
		}
		var buf [MaxPath]byte
		for i := range tree.Nodes() {
			n, ok := tree.Node(i)
			if !ok {
				continue
			}
			n.Data(b)
			tree.Walk(i, []byte("../x"))
			tree.Path(i, buf[:])
			for j := range n.Count {
				tree.Node(n.First + j)
				if j > 100 {
					break
				}
			}
		}
	})
}
