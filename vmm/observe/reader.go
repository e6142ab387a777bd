package observe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Reader reads the entries of a LogFile, which may still grow.
type Reader struct {
	from  io.Reader
	buf   []byte
	start int // of the next line in buf
	end   int // of what was read
}

// NewReader reads from the start of r.
func NewReader(r io.Reader) *Reader { return &Reader{from: r, buf: make([]byte, 64<<10)} }

// Next returns the next entry and the line it stands in, both valid until the
// next call. io.EOF says that there is no further whole line now; there may be
// one later.
func (r *Reader) Next() (Entry, []byte, error) {
	line, err := r.line()
	if err != nil {
		return Entry{}, nil, err
	}
	e, err := ParseEntry(line)
	if err != nil {
		return e, line, fmt.Errorf("log: line %.60q: %w: something else changed the file", line, err)
	}
	return e, line, nil
}

func (r *Reader) line() ([]byte, error) {
	seen := 0 // of the bytes from start on, those without a newline
	for {
		if i := bytes.IndexByte(r.buf[r.start+seen:r.end], '\n'); i >= 0 {
			line := r.buf[r.start : r.start+seen+i+1]
			r.start += len(line)
			return line, nil
		}
		seen = r.end - r.start
		if r.start > 0 {
			copy(r.buf, r.buf[r.start:r.end])
			r.start, r.end = 0, seen
		}
		if r.end == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
		n, err := r.from.Read(r.buf[r.end:])
		r.end += n
		if n == 0 {
			if err == nil {
				err = io.ErrNoProgress
			}
			return nil, err
		}
	}
}

// Show writes every entry that is there now to w as text.
func (r *Reader) Show(w io.Writer, v View) error {
	return r.Copy(w, func(b []byte, e *Entry, _ []byte) []byte { return v.Append(b, e) })
}

// Copy writes to w what form appends of every entry that is there now and of
// the line it stands in.
func (r *Reader) Copy(w io.Writer, form func(b []byte, e *Entry, line []byte) []byte) error {
	const batch = 32 << 10
	var text []byte
	for {
		e, line, err := r.Next()
		if err == nil {
			text = form(text, &e, line)
		}
		if len(text) > batch || err != nil && len(text) > 0 {
			if _, err := w.Write(text); err != nil {
				return err
			}
			text = text[:0]
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
