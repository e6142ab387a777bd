package image

import (
	"debug/elf"
	"errors"
	"fmt"
)

// textRange is the addresses of section .text.
type textRange struct{ start, end uint64 }

// findFuncs finds the Go text and its function table through the section
// headers, which both -ldflags=-s and strip leave in the file.
func (im *Image) findFuncs(f *elf.File) (text textRange, err error) {
	fail := func(where string, cause error) (textRange, error) {
		return textRange{}, refuse(ErrPclntab, where, cause, nextGo)
	}
	missing := errors.New("no such section in a loaded segment")
	code := f.Section(".text")
	if code == nil || code.Size == 0 || !im.executable(code.Addr, code.Size) {
		return fail("section .text", missing)
	}
	var pcln []byte
	if s := f.Section(".gopclntab"); s != nil {
		pcln = im.bytesAt(s.Addr, s.Size)
	}
	if pcln == nil {
		return fail("section .gopclntab", missing)
	}
	if im.funcs, err = parseFuncs(pcln, code.Addr); err != nil {
		return fail("section .gopclntab", err)
	}
	text = textRange{code.Addr, code.Addr + code.Size}
	// A table that does not belong to this text would patch at random.
	if i := im.funcs.find(im.Entry); i < 0 || im.funcs.entry(i) != im.Entry {
		return fail("section .gopclntab", fmt.Errorf("entry point %#x is not the start of a Go function", im.Entry))
	}
	if end := im.funcs.entry(im.funcs.n); end > text.end {
		return fail("section .gopclntab", fmt.Errorf("functions reach to %#x, section .text to %#x", end, text.end))
	}
	return text, nil
}
