package region

// Kinds of events that a core's driver serves: indices of Counters.Events.
const (
	EventSyscall   = iota // system call of a patched site
	EventTrap             // system call by the trap route
	EventCall             // call of package guest to its driver
	EventException        // exception of the program
	EventFault            // exception of the driver: first touch of memory passed in
	EventTick             // timer tick
	EventDoorbell         // doorbell rung by another core or the VMM
	EventLocal            // message to a dispatcher of this core, or its answer

	EventKinds = 8 // room, a power of two
)
