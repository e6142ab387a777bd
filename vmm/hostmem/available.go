package hostmem

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// host tells how much memory the host has to spare. It opens what it reads at once, so that
// it goes on where nothing may be opened any more.
type host struct {
	memory *os.File // /proc/meminfo
	groups []group  // control groups that hold this process, and can be the tighter limit
}

// group is one, by its files: what it may use, what it uses, and of what kinds that is.
type group struct{ limit, used, stat *os.File }

// openHost opens what says how much memory there is. What does not exist does not limit.
func openHost() *host {
	h := &host{}
	h.memory, _ = os.Open("/proc/meminfo")
	b, _ := os.ReadFile("/proc/self/cgroup")
	for _, line := range strings.Split(string(b), "\n") {
		path, ok := strings.CutPrefix(line, "0::") // cgroup v2 (cgroups(7))
		for dir := "/sys/fs/cgroup" + path; ok && len(dir) > len("/sys/fs/cgroup"); dir = dir[:strings.LastIndexByte(dir, '/')] {
			limit, err1 := os.Open(dir + "/memory.max")
			used, err2 := os.Open(dir + "/memory.current")
			stat, err3 := os.Open(dir + "/memory.stat")
			if err1 == nil && err2 == nil && err3 == nil {
				h.groups = append(h.groups, group{limit, used, stat})
			}
		}
	}
	return h
}

func (h *host) available() uint64 {
	least := ^uint64(0)
	if kib, ok := field(h.memory, "MemAvailable:"); ok {
		least = kib << 10
	}
	for _, g := range h.groups {
		limit, err1 := number(g.limit)
		used, err2 := number(g.used)
		if err1 == nil && err2 == nil { // "max" is no number, and no limit
			cached, _ := field(g.stat, "inactive_file") // which goes when somebody needs it
			used -= min(used, cached)
			least = min(least, limit-min(used, limit))
		}
	}
	return least
}

// field returns the number behind a name that begins a line.
func field(f *os.File, name string) (n uint64, ok bool) {
	for line := range strings.Lines(string(read(f))) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, err := strconv.ParseUint(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

func number(f *os.File) (uint64, error) {
	return strconv.ParseUint(strings.TrimSpace(string(read(f))), 10, 64)
}

// read returns the first page of a file that the kernel makes anew at each read.
func read(f *os.File) []byte {
	b := make([]byte, 4096)
	n, _ := f.ReadAt(b, 0)
	return b[:max(n, 0)]
}

var theHost = sync.OnceValue(openHost)

// Available returns how many bytes the host can give without taking them from somebody,
// and all there can be where it does not tell. The first call opens what it reads.
func Available() uint64 { return theHost().available() }
