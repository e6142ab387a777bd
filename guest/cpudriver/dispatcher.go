package cpudriver

import (
	"barreleye/devices/layout"
	"barreleye/guest/cpudriver/shares"
)

// A dispatcher is what the driver knows of a domain on this core: a share of it, and
// a context that waits here for upcalls. The driver does not interrupt a dispatcher
// to upcall it: a preempted context goes on where it was.

// Upcalls, as callReceive returns them.
const (
	UpcallMessage = iota // a caller handed over the core, with a message
	UpcallRun            // the dispatcher was kicked: there is something to do
	UpcallTimer          // its deadline has come
)

// dispatcher has the index of its share.
type dispatcher struct {
	use     uint64 // grows with every use of the slot; odd: in use
	context uint64 // index of the context that receives
	kicked  uint64 // 1: the next receive returns at once
	callers uint64 // contexts that wait for it to receive
	last    uint64 // number given to the caller that came last
}

var dispatchers [shares.Max]dispatcher

// A dispatcher's name is its slot and, above 8 bits, the slot's use.
func nameOf(slot uint64) uint64 { return slot | dispatchers[slot].use<<8 }

// dispatcherOf returns the slot that a name stands for, 0 where it has ended.
func dispatcherOf(name uint64) uint64 {
	slot := name & 0xff
	if slot == 0 || slot >= shares.Max || name>>8 != dispatchers[slot].use || name>>8&1 == 0 {
		return 0
	}
	return slot
}

func indexOf(c *context) uint64 { return (addressOf(c) - addressOf(&contexts[0])) / contextSize }

// newDispatcher makes the calling context a dispatcher's.
func newDispatcher(c *context, weight, priority uint64) uint64 {
	if c.dispatcher != 0 {
		return errno(eEXIST)
	}
	if !divided {
		slice := cyclesOf(uint64(bootPage().TickCount) * layout.TimerDivide)
		division.Init(slice)
		longest = slice + slice/4
		account()
		divided = true
	}
	charge()
	slot, ok := division.Open(weight, priority)
	if !ok {
		return errno(eAGAIN)
	}
	d := &dispatchers[slot]
	*d = dispatcher{use: d.use + 1, context: indexOf(c)}
	c.dispatcher, c.account = uint64(slot), uint64(slot)
	return nameOf(uint64(slot))
}

// endDispatcher ends the dispatcher of a context, by its own call or with its thread.
// Whoever waits for it hears that it is gone; threads that ran for it do so for the
// runtime.
func endDispatcher(c *context) {
	slot := c.dispatcher
	if slot == 0 {
		return
	}
	charge()
	if caller := servedBy(c); caller != nil {
		c.partner = 0
		caller.resume(errno(ePIPE))
	}
	for i := 0; i < contextsTop; i++ {
		o := &contexts[i]
		if o.state == inSend && o.wait == slot {
			o.resume(errno(ePIPE))
		}
		if o.account == slot {
			o.account = shares.Runtime
		}
	}
	c.dispatcher, c.account = 0, shares.Runtime
	dispatchers[slot].use++
	division.Close(int(slot))
}

// joinDispatcher has the calling context run for a dispatcher, or for the runtime
// where name is 0.
func joinDispatcher(c *context, name uint64) uint64 {
	slot := dispatcherOf(name)
	if slot == 0 && name != 0 {
		return errno(eSRCH)
	}
	if divided {
		charge()
	}
	c.account = slot
	return 0
}

// setShare changes a dispatcher's weight and priority.
func setShare(name, weight, priority uint64) uint64 {
	slot := dispatcherOf(name)
	if slot == 0 {
		return errno(eSRCH)
	}
	division.Set(int(slot), weight, priority)
	return 0
}

// ran returns for how many cycles a dispatcher has run, or the runtime's threads.
func ran(name uint64) uint64 {
	slot := dispatcherOf(name)
	if slot == 0 && name != 0 {
		return errno(eSRCH)
	}
	if divided {
		charge()
	}
	return division.Ran(int(slot))
}

// kick has a dispatcher's receive return, the one it is in or the next one.
func kick(slot uint64) {
	d := &dispatchers[slot]
	if c := &contexts[d.context]; c.state == onReceive {
		c.resume(UpcallRun)
	} else {
		d.kicked = 1
	}
}

func kickDispatcher(name uint64) uint64 {
	slot := dispatcherOf(name)
	if slot == 0 {
		return errno(eSRCH)
	}
	kick(slot)
	return 0
}
