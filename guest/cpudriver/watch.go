package cpudriver

// A watch is a descriptor that becomes readable when a word of the shared
// region no longer holds an expected value. It is how a goroutine waits for
// another core: armed watches are what the idle loop looks at.

const (
	watchIdle = iota
	watchArmed
	watchFired
	watchLate // fired, and returned by callLate
)

var (
	armed  [maxFiles]uint16 // armed watches, dense
	armedN int
)

// newWatch returns a watch descriptor. It is non-blocking, so that os.NewFile
// hands it to the netpoller.
func newWatch() uint64 {
	fd := newFile(watch, true)
	if fd < 0 {
		return errno(eMFILE)
	}
	return uint64(fd)
}

// armWatch makes fd readable once the word at address differs from old; at
// address 0 there is none, and fd is no longer armed, nor readable.
func armWatch(fd, address, old uint64) uint64 {
	f := fileOf(fd)
	if f == nil || f.kind != watch || address%8 != 0 {
		return errno(eINVAL)
	}
	disarm(int(fd))
	if address == 0 {
		return 0
	}
	f.a, f.b = address, old
	if load64(address) != old {
		fire(int(fd))
		return 0
	}
	f.c = watchArmed
	armed[armedN] = uint16(fd)
	armedN++
	return 0
}

// disarm takes fd out of the armed watches.
func disarm(fd int) {
	if files[fd].c == watchArmed {
		for i := 0; i < armedN; i++ {
			if int(armed[i]) == fd {
				armedN--
				armed[i] = armed[armedN]
				break
			}
		}
	}
	readNow(&files[fd])
}

// readNow takes back that f has fired.
func readNow(f *file) {
	if f.c >= watchFired {
		if lateN--; lateN == 0 {
			inTime()
		}
	}
	f.c = watchIdle
}

func fire(fd int) {
	files[fd].c = watchFired
	lateN++
	notify(fd, pollIn)
}

// lookAtWatches fires every armed watch whose word changed and reports
// whether there was one.
func lookAtWatches() (fired bool) {
	for i := 0; i < armedN; {
		fd := int(armed[i])
		if load64(files[fd].a) == files[fd].b {
			i++
			continue
		}
		armedN--
		armed[i] = armed[armedN]
		fire(fd)
		fired = true
	}
	return fired
}

// readWatch returns 8 bytes once the watch has fired.
func readWatch(c *context, f *file, fd, buffer, n uint64) uint64 {
	if n < 8 {
		return errno(eINVAL)
	}
	if f.c == watchArmed && load64(f.a) != f.b {
		disarm(int(fd))
		fire(int(fd))
	}
	if f.c < watchFired {
		return f.block(c, fd)
	}
	readNow(f)
	store64(buffer, 1)
	return 8
}
