package urpc

// What sampling needs beside order.go: leaf functions without a stack.

// timestamp reads the TSC, which all cores share with offset 0, once all earlier
// loads have their values.
func timestamp() uint64

// prefetchStamp brings the line of a stamp to this core for writing. It never
// faults.
//
//go:noescape
func prefetchStamp(s *Stamp)
