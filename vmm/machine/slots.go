package machine

// slots are numbers of memory slots that a VM has not in use.
type slots struct {
	next int // that was never used
	free []int
}

func (s *slots) take() (slot int) {
	if n := len(s.free); n > 0 {
		slot, s.free = s.free[n-1], s.free[:n-1]
		return slot
	}
	s.next++
	return s.next - 1
}

func (s *slots) put(slot int) { s.free = append(s.free, slot) }
