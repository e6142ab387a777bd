// Package control is the wire between a run that lives and who asks it for something: a
// stream socket of the name Socket in the run's folder, which the run's user alone may
// connect to, and lines of JSON over it. The package knows how to ask and to answer, and
// nothing of what is asked: package operator has that. docs/reference/control.md
// describes the protocol.
//
// Nothing that a client sends may harm a run: lines are bounded, so are clients and
// descriptors, and no answer waits for a client that does not read.
package control

import "time"

// Socket is the name of the socket in a run's folder.
const Socket = "control.sock"

// Version is that of the protocol. A later one is not understood by clients of an
// earlier one, nor the other way round.
const Version = 1

// protocol is what the server's first line says that it speaks.
const protocol = "control"

// Limits of what is sent.
const (
	MaxRequest = 64 << 10 // bytes of a request's line
	MaxAnswer  = 64 << 20 // bytes of an answer's line
	MaxFiles   = 4        // descriptors that come with a request
	MaxClients = 64       // connections at a time
)

// patience bounds how long a party that does not read, or does not say what it is, is
// waited for.
const patience = 10 * time.Second
