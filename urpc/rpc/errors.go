package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// Mistakes of the caller; nothing was sent.
var (
	// ErrTooLarge: the arguments have more bytes than the channel's MaxBytes.
	ErrTooLarge = errors.New("rpc: message longer than the channel's maximum: raise MaxBytes at both ends, or send less")
	// ErrConfig: a Config that no Conn can have.
	ErrConfig = errors.New("rpc: unusable configuration")
	// ErrDecode: bytes that are not the arguments or results expected; the two
	// ends were generated from different interfaces.
	ErrDecode = errors.New("rpc: malformed arguments or results: generate both ends from the same interface")
)

// Code says what kind of error crossed.
type Code uint32

// Codes below CodeProgram are the package's.
const (
	CodeUnknown   Code = 1 + iota // an error without a code: its text is all there is
	CodeCanceled                  // context.Canceled, at the server
	CodeDeadline                  // context.DeadlineExceeded, at the server
	CodeNoMethod                  // the server has no such method
	CodeMalformed                 // the server could not decode the arguments
	CodeTooLarge                  // the results are longer than MaxBytes
	CodeProgram   Code = 256      // the program's own, from here on
)

// Error is an error that a server returned. A method that returns one, wrapped
// or not, has its code and its whole text cross; errors.Is finds it again by its
// code: declare `var ErrFull = &rpc.Error{Code: rpc.CodeProgram, Text: "full"}`
// for both ends.
type Error struct {
	Code Code
	Text string // at most MaxText bytes cross
}

// MaxText is how many bytes of an error's text cross.
const MaxText = 1024

func (e *Error) Error() string { return e.Text }

// Is reports whether target has the same code, or is the context's error that
// the code stands for.
func (e *Error) Is(target error) bool {
	if t, ok := target.(*Error); ok {
		return e.Code == t.Code && e.Code != CodeUnknown
	}
	switch e.Code {
	case CodeCanceled:
		return target == context.Canceled
	case CodeDeadline:
		return target == context.DeadlineExceeded
	case CodeTooLarge:
		return target == ErrTooLarge
	case CodeMalformed:
		return target == ErrDecode
	}
	return false
}

// codeOf is the code with which an error of a method crosses.
func codeOf(err error) Code {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.DeadlineExceeded):
		return CodeDeadline
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	case errors.Is(err, ErrTooLarge):
		return CodeTooLarge
	case errors.Is(err, ErrDecode):
		return CodeMalformed
	}
	return CodeUnknown
}

// appendError encodes an error as the body of a failure.
func appendError(b []byte, err error, most int) []byte {
	text := err.Error()
	b = binary.LittleEndian.AppendUint32(b, uint32(codeOf(err)))
	return append(b, text[:min(len(text), MaxText, most-4)]...)
}

// decodeError is the error in the body of a failure.
func decodeError(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("failure of %d bytes: %w", len(b), ErrDecode)
	}
	return &Error{Code(binary.LittleEndian.Uint32(b)), string(b[4:])}
}
