package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing/fstest"

	"barreleye/devices/filetree"
	"barreleye/guest"
)

// tree lists everything below a folder, with sizes, times and checksums.
func tree(context.Context) error {
	return filepath.WalkDir(flag.Arg(1), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var sum [sha256.Size]byte
		size := int64(0)
		if !d.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum, size = sha256.Sum256(data), info.Size()
		}
		fmt.Printf("tree %s %v %d %d %x\n", path, info.Mode(), size, info.ModTime().UnixNano(), sum[:8])
		return nil
	})
}

// files wants the tree that the test made to behave as on Linux: a file
// /data/text of the lines "line 0" to "line 9999", an executable /data/tool, an
// empty folder /data/empty.
func files(context.Context) error {
	for _, check := range []func() error{reading, positions, listing, wrongWays, refusals, folders, wholeTree} {
		if err := check(); err != nil {
			return err
		}
	}
	fmt.Println("files: ok")
	return nil
}

func textWanted() []byte {
	var b bytes.Buffer
	for i := range 10_000 {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.Bytes()
}

// reading reads the whole file in all ways there are.
func reading() error {
	want := textWanted()
	ways := map[string]func() ([]byte, error){
		"ReadFile": func() ([]byte, error) { return os.ReadFile("/data/text") },
		"relative": func() ([]byte, error) { return os.ReadFile("data/../data/./text") },
		"DirFS":    func() ([]byte, error) { return fs.ReadFile(os.DirFS("/data"), "text") },
		"Root": func() ([]byte, error) {
			r, err := os.OpenRoot("/data")
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return fs.ReadFile(r.FS(), "text")
		},
		"piecemeal": func() ([]byte, error) {
			f, err := os.Open("/data/text")
			if err != nil {
				return nil, err
			}
			defer f.Close()
			var b bytes.Buffer
			_, err = io.CopyBuffer(&b, struct{ io.Reader }{f}, make([]byte, 777))
			return b.Bytes(), err
		},
		"ReadAt": func() ([]byte, error) {
			f, err := os.Open("/data/text")
			if err != nil {
				return nil, err
			}
			defer f.Close()
			b := make([]byte, len(want))
			for at := len(b); at > 0; { // from the end
				from := max(at-1000, 0)
				if _, err := f.ReadAt(b[from:at], int64(from)); err != nil {
					return nil, err
				}
				at = from
			}
			return b, nil
		},
	}
	for name, read := range ways {
		if got, err := read(); err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("%s: %d bytes, want %d, or others: %v", name, len(got), len(want), err)
		}
	}
	return nil
}

// positions seeks, and reads at and beyond the end.
func positions() error {
	f, err := os.Open("/data/text")
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(len(textWanted()))
	var b [7]byte
	for _, c := range []struct {
		offset int64
		whence int
		want   int64
		read   string
	}{
		{0, io.SeekStart, 0, "line 0\n"}, {0, io.SeekCurrent, 7, "line 1\n"}, {7, io.SeekCurrent, 21, "line 3\n"},
		{-5, io.SeekEnd, size - 5, "9999\n"}, {0, io.SeekCurrent, size, ""}, {100, io.SeekEnd, size + 100, ""},
	} {
		at, err := f.Seek(c.offset, c.whence)
		if err != nil || at != c.want {
			return fmt.Errorf("seek %d from %d: at %d, want %d: %v", c.offset, c.whence, at, c.want, err)
		}
		n, err := f.Read(b[:])
		if string(b[:n]) != c.read || (c.read == "") != (err == io.EOF) {
			return fmt.Errorf("at %d: %q and %v, want %q", at, b[:n], err, c.read)
		}
	}
	if _, err := f.Seek(-1, io.SeekStart); !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("seek before the start: %v", err)
	}
	if _, err := f.ReadAt(b[:], size); err != io.EOF {
		return fmt.Errorf("ReadAt the end: %v", err)
	}
	return nil
}

// listing looks at names and what stat says of them.
func listing() error {
	entries, err := os.ReadDir("/data")
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, fmt.Sprint(e.Name(), " ", e.IsDir()))
	}
	if got := strings.Join(names, ", "); got != "empty true, many true, text false, tool false" {
		return fmt.Errorf("/data holds %s", got)
	}
	if many, err := os.ReadDir("/data/many"); err != nil || len(many) != 300 {
		return fmt.Errorf("/data/many holds %d files, want 300: %v", len(many), err)
	}
	for path, want := range map[string]string{
		"/data/text": "-r--r--r-- 98890", "/data/tool": "-r-xr-xr-x 4", "/data/empty": "dr-xr-xr-x", "/": "dr-xr-xr-x",
	} {
		for _, stat := range []func(string) (fs.FileInfo, error){os.Stat, os.Lstat} {
			info, err := stat(path)
			if err != nil {
				return err
			}
			got := info.Mode().String()
			if !info.IsDir() {
				got += fmt.Sprint(" ", info.Size())
			}
			if got != want {
				return fmt.Errorf("%s is %s, want %s", path, got, want)
			}
		}
	}
	a, err1 := os.Stat("/data/tool")
	b, err2 := os.Stat("/data/../data/tool")
	c, err3 := os.Stat("/data/text")
	if err := errors.Join(err1, err2, err3); err != nil || !os.SameFile(a, b) || os.SameFile(a, c) {
		return fmt.Errorf("files are not told apart: %v", err)
	}
	return nil
}

// wrongWays wants errors as Linux has them.
func wrongWays() error {
	long := strings.Repeat("x", 256)
	for path, want := range map[string]error{
		"/nothere": syscall.ENOENT, "/data/nothere/x": syscall.ENOENT, "": syscall.ENOENT, "/data/text/x": syscall.ENOTDIR,
		"/data/text/": syscall.ENOTDIR, "/" + long: syscall.ENAMETOOLONG, strings.Repeat("/data/..", 600): syscall.ENAMETOOLONG,
	} {
		if _, err := os.Open(path); !errors.Is(err, want) {
			return fmt.Errorf("open %.20q: %v, want %v", path, err, want)
		}
		if _, err := os.Stat(path); !errors.Is(err, want) {
			return fmt.Errorf("stat %.20q: %v, want %v", path, err, want)
		}
	}
	if _, err := os.ReadFile("/data"); !errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("read a folder: %v", err)
	}
	if _, err := os.ReadDir("/data/text"); !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("list a file: %v", err)
	}
	if _, err := os.Readlink("/data/text"); !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("read a file as a link: %v", err)
	}
	return nil
}

// refusals tries to change what is there.
func refusals() error {
	for name, c := range map[string]struct {
		err, want error
	}{
		"create":           {second(os.Create("/data/new")), syscall.EROFS},
		"write":            {second(os.OpenFile("/data/text", os.O_WRONLY, 0)), syscall.EROFS},
		"read and write":   {second(os.OpenFile("/data/text", os.O_RDWR, 0)), syscall.EROFS},
		"truncate":         {os.Truncate("/data/text", 0), syscall.EROFS},
		"create there":     {second(os.OpenFile("/data/text", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0)), syscall.EEXIST},
		"create nowhere":   {second(os.Create("/nothere/new")), syscall.ENOENT},
		"write a folder":   {second(os.OpenFile("/data", os.O_WRONLY, 0)), syscall.EISDIR},
		"folder":           {os.Mkdir("/data/new", 0o777), syscall.EROFS},
		"folder there":     {os.Mkdir("/data/empty", 0o777), syscall.EEXIST},
		"remove":           {os.Remove("/data/text"), syscall.EROFS},
		"remove nothing":   {os.Remove("/data/nothere"), syscall.EROFS},
		"remove nowhere":   {os.Remove("/nothere/x"), syscall.ENOENT},
		"change nothing":   {os.Chmod("/data/nothere", 0o777), syscall.ENOENT},
		"rename":           {os.Rename("/data/text", "/data/new"), syscall.EROFS},
		"link":             {os.Symlink("/data/text", "/data/new"), syscall.EROFS},
		"permissions":      {os.Chmod("/data/text", 0o777), syscall.EROFS},
		"a temporary file": {second(os.CreateTemp("/data", "")), syscall.EROFS},
	} {
		if !errors.Is(c.err, c.want) {
			return fmt.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	f, err := os.Open("/data/text")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write([]byte("x")); !errors.Is(err, syscall.EBADF) {
		return fmt.Errorf("write to a file that is open for reading: %v", err)
	}
	return nil
}

func second[T any](_ T, err error) error { return err }

// folders changes the current one.
func folders() error {
	for _, c := range []struct{ to, want string }{{"/data", "/data"}, {"many", "/data/many"}, {"../..", "/"}, {"data/empty", "/data/empty"}} {
		if err := os.Chdir(c.to); err != nil {
			return err
		}
		if got, err := os.Getwd(); err != nil || got != c.want {
			return fmt.Errorf("in %s, want %s: %v", got, c.want, err)
		}
	}
	if _, err := os.Stat("../tool"); err != nil {
		return err
	}
	if err := os.Chdir("../text"); !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("change to a file: %v", err)
	}
	if abs, err := filepath.Abs("x"); err != nil || abs != "/data/empty/x" {
		return fmt.Errorf("x is %s: %v", abs, err)
	}
	return os.Chdir("/")
}

// wholeTree has the standard library look at all of it.
func wholeTree() error { return fstest.TestFS(os.DirFS("/data"), "text", "tool", "many/n0299") }

//go:embed embedded
var embedded embed.FS

// mount reads files that the program brings along, by their names.
func mount(context.Context) error {
	open, err := os.Open("/") // goes on in the tree as it is now
	if err != nil {
		return err
	}
	defer open.Close()
	notes, err := fs.Sub(embedded, "embedded")
	if err != nil {
		return err
	}
	if err := guest.Mount("/etc/notes", notes); err != nil {
		return err
	}
	if err := guest.Mount("/", fstest.MapFS{"etc/more.txt": {Data: []byte("more\n")}}); err != nil {
		return err
	}
	for path, want := range map[string]string{
		"/etc/notes/note.txt": "brought along\n", "/etc/notes/deep/below.txt": "further down\n", "/etc/more.txt": "more\n",
		"/etc/given.txt": "given at the start\n",
	} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			return fmt.Errorf("%s holds %q, want %q: %v", path, got, want, err)
		}
	}
	for prefix, fsys := range map[string]fs.FS{
		"/etc/notes":            fstest.MapFS{"note.txt": {}},  // a file for a file
		"/":                     fstest.MapFS{"etc": {}},       // a file for a folder
		"/etc/notes/note.txt":   fstest.MapFS{"inside": {}},    // a folder for a file
		"/etc/given.txt/within": fstest.MapFS{"deeper/in": {}}, // further below a file
	} {
		if err := guest.Mount(prefix, fsys); !errors.Is(err, filetree.ErrClash) {
			return fmt.Errorf("mount over %s: %v, want %v", prefix, err, filetree.ErrClash)
		}
	}
	if err := guest.Mount("etc", notes); !errors.Is(err, filetree.ErrPath) {
		return fmt.Errorf("mount at a relative path: %v, want %v", err, filetree.ErrPath)
	}
	fmt.Println("mount: ok")
	return nil
}
