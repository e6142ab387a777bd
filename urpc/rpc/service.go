package rpc

import (
	"context"
	"fmt"
)

// Service is what answers calls: the server half of what stubgen writes.
type Service interface {
	// Methods names what it answers.
	Methods() []Method
	// Serve calls a method. args are its encoded arguments; it appends the
	// results to out and returns it, or the method's error, or one that wraps
	// ErrDecode. It keeps neither slice.
	Serve(ctx context.Context, method uint16, args, out []byte) ([]byte, error)
}

// Method is a method of a service.
type Method struct {
	Name   string
	Number uint16 // up to MaxMethod, no other method of the Conn has it
	// Concurrent: it runs in a goroutine of its own, beside others, and its
	// context ends when the caller's does. The others run one after the
	// other in the goroutine of Serve, in the order of their calls.
	Concurrent bool
}

// method is a method and who has it.
type method struct {
	Method
	service Service
}

func (c *Conn) register(s Service) error {
	for _, m := range s.Methods() {
		if m.Number > MaxMethod {
			return fmt.Errorf("method %s has number %d, at most %d is possible: %w", m.Name, m.Number, MaxMethod, ErrConfig)
		}
		for len(c.methods) <= int(m.Number) {
			c.methods = append(c.methods, method{})
		}
		if o := &c.methods[m.Number]; o.service != nil {
			return fmt.Errorf("methods %s and %s have the same number, %d: give //urpc:service another first number: %w", o.Name, m.Name, m.Number, ErrConfig)
		}
		c.methods[m.Number] = method{m, s}
	}
	return nil
}

// method is the method of a number, nil if there is none.
func (c *Conn) method(number uint16) *method {
	if int(number) >= len(c.methods) || c.methods[number].service == nil {
		return nil
	}
	return &c.methods[number]
}

func noMethod(number uint16) error {
	return &Error{CodeNoMethod, fmt.Sprintf("rpc: no method has number %d: generate both ends from the same interface", number)}
}
