package bench

import "golang.org/x/sys/unix"

// allowedCPUs lists the CPUs this process may use: core i of a run is on the
// i-th of them.
func allowedCPUs() (cpus []int) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return []int{0}
	}
	for i := range 64 * len(set) {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus
}
