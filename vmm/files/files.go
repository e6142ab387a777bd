// Package files collects the host's files that guests are to see: what
// `barreleye run --file` names, whole folders included. It follows symbolic
// links, and refuses everything but files and folders. The data are read later,
// when the tree is laid out (package filetree).
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"barreleye/devices/filetree"
	"barreleye/devices/layout"
)

// MaxBytes is the most that all files, with their names, may take.
const MaxBytes = layout.MaxFiles

// Split takes HOST:GUEST apart. GUEST is an absolute path; HOST alone stands
// for the same last name in the root.
func Split(spec string) (host, guest string, err error) {
	if host = spec; strings.HasPrefix(spec, ":") || spec == "" {
		return "", "", errors.New("no path: give HOST or HOST:GUEST, such as data.csv:/data/data.csv")
	}
	if i := strings.LastIndex(spec, ":/"); i >= 0 {
		host, guest = spec[:i], spec[i+1:]
	} else if i := strings.LastIndexByte(spec, ':'); i >= 0 {
		return "", "", fmt.Errorf("no absolute path after the colon: give HOST:GUEST, such as %s:/%s", spec[:i], spec[i+1:])
	}
	if guest == "" {
		full, err := filepath.Abs(host) // the name of "." is the folder's
		if err != nil {
			return "", "", err
		}
		guest = "/" + filepath.Base(full)
	}
	return host, path.Clean(guest), nil
}

// Tree is what guests are to see.
type Tree struct {
	Plan  filetree.Plan
	bytes uint64 // at most so many in the guests' tree
}

// Add adds a file, or a folder with all that is in it, under the name guest.
func (t *Tree) Add(host, guest string) error {
	info, err := os.Stat(host)
	if err != nil {
		return tell(err)
	}
	return t.add(host, guest, info, nil)
}

// above are the folders on the way down, in which a link might lead back.
func (t *Tree) add(host, guest string, info fs.FileInfo, above []fs.FileInfo) error {
	if !info.Mode().IsRegular() && !info.IsDir() {
		return fmt.Errorf("%s: %s is no file and no folder: leave it out", host, describe(info.Mode()))
	}
	e := filetree.Entry{Path: guest, Mode: info.Mode(), Time: info.ModTime()}
	if !info.IsDir() {
		e.Size = uint64(info.Size())
		e.Read = func(b []byte) error { return read(host, b) }
		if e.Size == 0 { // a file of /proc may hold something all the same
			data, err := os.ReadFile(host)
			if err != nil {
				return tell(err)
			}
			e.Size = uint64(len(data))
			e.Read = func(b []byte) error { copy(b, data); return nil }
		}
	}
	if t.bytes += filetree.Cost(path.Base(guest), e.Size); t.bytes > MaxBytes || e.Size > MaxBytes {
		return fmt.Errorf("%s: more than %d MiB with it: give fewer files, or smaller ones", host, MaxBytes>>20)
	}
	if err := t.Plan.Add(e); err != nil {
		if errors.Is(err, filetree.ErrClash) {
			return fmt.Errorf("%w: give one of them another name", err)
		}
		return fmt.Errorf("%w: give it another name", err)
	}
	if !info.IsDir() {
		return nil
	}
	for _, a := range above {
		if os.SameFile(a, info) {
			return fmt.Errorf("%s: a symbolic link leads back to a folder that it is in: remove it", host)
		}
	}
	list, err := os.ReadDir(host)
	if err != nil {
		return tell(err)
	}
	for _, entry := range list {
		inner := filepath.Join(host, entry.Name())
		i, err := os.Stat(inner) // follows links
		if err != nil {
			return tell(err)
		}
		if err := t.add(inner, path.Join(guest, entry.Name()), i, append(above, info)); err != nil {
			return err
		}
	}
	return nil
}

// describe names what is neither file nor folder.
func describe(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// tell makes an error of the system one that says what to do.
func tell(err error) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	next := "check the path"
	if errors.Is(err, fs.ErrPermission) {
		next = "make it readable"
	}
	return fmt.Errorf("%s: %w: %s", p.Path, p.Err, next)
}

// read fills b with a file's data, of which there were len(b) bytes before.
func read(name string, b []byte) error {
	f, err := os.Open(name)
	if err != nil {
		return tell(err)
	}
	defer f.Close()
	_, err = io.ReadFull(f, b)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: it is shorter than a moment ago: run again", name)
	}
	if err != nil {
		return tell(err)
	}
	return nil
}
