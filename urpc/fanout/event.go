package fanout

import "barreleye/urpc"

// EventKind says what happened.
type EventKind uint8

// Events.
const (
	EventStart  EventKind = 1 + iota // root: Message is a new operation
	EventPacket                      // Packet came from core From
	EventAnswer                      // this core's own part of operation Op is Message
	EventGone                        // core From is gone, all that it sent has been taken
	EventBroken                      // core From wrote what it may not (Err)
	EventEnd                         // root: no operation follows
)

// Event is what happened.
type Event struct {
	Kind    EventKind
	From    int
	Op      uint64
	Packet  Packet
	Message urpc.Message
	Err     error
}

// ActionKind says what to do.
type ActionKind uint8

// Actions.
const (
	ActSend   ActionKind = 1 + iota // send Packet to core To
	ActAnswer                       // find this core's own part of operation Op, a request of Message
	ActResult                       // root: operation Op ended with Message, without the cores Lost
	ActListen                       // take messages of core To from now on
	ActIgnore                       // take no more of core To: it violated the protocol (Err)
	ActEnd                          // member: no request follows, or nobody is left above
)

// Action is something to do, in the order of the list.
type Action struct {
	Kind    ActionKind
	To      int
	Op      uint64
	Packet  Packet
	Message urpc.Message
	Lost    []int
	Err     error
}
