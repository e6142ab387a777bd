package clock

// TSC reads the cycle counter, which guests and VMM share with offset 0. It is
// not ordered against surrounding loads.
func TSC() uint64
