package control

import (
	"errors"
	"fmt"
)

// Kind sorts errors for programs.
type Kind string

// Kinds of errors.
const (
	KindUsage   Kind = "usage"   // the request is wrong, whatever the run's state
	KindImage   Kind = "image"   // the image that came with it cannot be used
	KindRefused Kind = "refused" // the run cannot do that now
	KindEnded   Kind = "ended"   // the run is over
)

// Error is why a request was not answered by what it asked for.
type Error struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"` // with the next step after the last colon

	cause error
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.cause }

// Refuse makes an error of some kind.
func Refuse(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{kind, err.Error(), errors.Unwrap(err)}
}

// Usage makes an error of a request.
func Usage(format string, args ...any) *Error { return Refuse(KindUsage, format, args...) }

// asError gives an error its kind: one that has none is the run's.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return &Error{Kind: e.Kind, Message: err.Error()}
	}
	return &Error{Kind: KindRefused, Message: err.Error()}
}

// Errors of Dial.
var (
	ErrNoSocket = errors.New("it takes no commands")
	ErrForeign  = errors.New("it belongs to another user")
	ErrSilent   = errors.New("it does not answer")
	ErrVersion  = errors.New("it speaks another version of the control protocol")
)
