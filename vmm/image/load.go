package image

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"barreleye/devices/layout"
)

// maxFile bounds what Open reads. An image has 1 GiB of address space; the
// rest is room for debug information.
const maxFile = 2 << 30

// LoadOptions changes how an image is loaded. The zero value is the normal way.
type LoadOptions struct {
	// NoPatch leaves the text as it is, so that every system call takes the
	// trap route. The sites are still listed, as unpatched.
	NoPatch bool
}

// Load is LoadOptions{}.Load.
func Load(name string, data []byte) (*Image, error) { return LoadOptions{}.Load(name, data) }

// Open is LoadOptions{}.Open.
func Open(path string) (*Image, error) { return LoadOptions{}.Open(path) }

// Open reads the file at path and loads it under its base name.
func (o LoadOptions) Open(path string) (*Image, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w: give the path of a built guest program", name, err)
	}
	defer f.Close()
	return o.Read(name, f)
}

// Read reads the whole of an open file, wherever it was read before, and loads it under
// a name.
func (o LoadOptions) Read(name string, f *os.File) (*Image, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("image %s: %w: give the path of a built guest program", name, err)
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		err := refuse(ErrNotELF, f.Name(), fmt.Sprintf("%v of %d bytes, want a regular file below 2 GiB", st.Mode(), st.Size()), nextBuild)
		return nil, fmt.Errorf("image %s: %w", name, err)
	}
	data := make([]byte, st.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, st.Size()), data); err != nil {
		return nil, fmt.Errorf("image %s: read %s: %w: run it again once it is built", name, f.Name(), err)
	}
	return o.Load(name, data)
}

// Load checks the ELF file in data and returns it as an image. name is used in
// messages only. data is not modified, but segments that need no patching
// alias it, so the caller must not change it while the image is in use.
func (o LoadOptions) Load(name string, data []byte) (*Image, error) {
	im := &Image{Name: name, File: data}
	if err := im.load(data, o); err != nil {
		return nil, fmt.Errorf("image %s: %w", name, err)
	}
	return im, nil
}

func (im *Image) load(data []byte, o LoadOptions) error {
	f, err := parseELF(data)
	if err != nil {
		return err
	}
	im.Entry = f.Entry
	if im.Segments, err = loadSegments(f, data); err != nil {
		return err
	}
	if !im.executable(im.Entry, 1) {
		return refuse(ErrSegment, "entry point", fmt.Sprintf("%#x is not in an executable segment", im.Entry), nextLink)
	}
	if im.Table, err = findTable(im); err != nil {
		return err
	}
	text, err := im.findFuncs(f)
	if err != nil {
		return err
	}
	p := patcher{im: im, noPatch: o.NoPatch, max: layout.StubMax}
	p.run(text)
	return nil
}
