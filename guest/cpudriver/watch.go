package cpudriver

// A watch is a descriptor that becomes readable when a word of the shared
// region no longer holds an expected value. It is how a goroutine waits for
// another core: armed words are what the idle loop looks at. A watch has one
// place for a word, or many: a set, of which a read tells the places that have
// changed. A word that has changed is no longer armed; the others stay so.

const (
	watchIdle = iota
	watchFired
	watchLate // fired, and returned by callLate
)

// maxArmed bounds the words armed at a time. More is an error of the program.
const maxArmed = 8192

// shortLook is how many words the idle loop looks at between two looks at what
// else may have happened, while it polls.
const shortLook = 64

// Armed words, dense: their addresses, what they held, and by whom: descriptor,
// and place << 16.
var (
	armedAt  [maxArmed]uint64
	armedOld [maxArmed]uint64
	armedBy  [maxArmed]uint32
	armedN   int
	lookedTo int // where the last short look ended
)

// A set's memory is the program's: a word for each place that says where it is
// armed, and after them the list of places that have changed.
const changed = ^uint32(0) // instead of 1 + the index of the armed word: in the list

// newWatch returns a watch descriptor, with memory at address for a set of n
// places. It is non-blocking, so that os.NewFile hands it to the netpoller. Where
// it has an owner, that dispatcher is kicked when it fires.
func newWatch(address, n, owner uint64) uint64 {
	fd := newFile(watch, true)
	if fd < 0 {
		return errno(eMFILE)
	}
	files[fd].a, files[fd].peer, files[fd].owner = address, uint16(n), owner
	return uint64(fd)
}

// whereArmed returns the address of the word that says where by is armed.
func whereArmed(by uint32) uint64 {
	f := &files[by&0xffff]
	if f.a == 0 {
		return addressOf(&f.b)
	}
	return f.a + uint64(by>>16)*4
}

// armWatch makes the watch readable once the word at address differs from old; at
// address 0 there is none, and the place is no longer armed. by is the descriptor
// and the place << 16. A place whose last change was not read yet stays as it is.
func armWatch(by, address, old uint64) uint64 {
	f := fileOf(by & 0xffff)
	if f == nil || f.kind != watch || address%8 != 0 || by>>16 >= max(1, uint64(f.peer)) {
		return errno(eINVAL)
	}
	where := whereArmed(uint32(by))
	switch k := load32(where); k {
	case changed:
		return 0
	case 0:
	default:
		disarm(int(k - 1))
	}
	if f.a == 0 {
		readNow(f)
	}
	if address == 0 {
		return 0
	}
	if armedN == maxArmed {
		return errno(eNOMEM)
	}
	k := armedN
	armedN++
	armedAt[k], armedOld[k], armedBy[k] = address, old, uint32(by)
	store32(where, uint32(armedN))
	if load64(address) != old {
		fire(k)
	}
	return 0
}

// disarm takes armed word k out.
func disarm(k int) {
	store32(whereArmed(armedBy[k]), 0)
	armedN--
	if k != armedN {
		armedAt[k], armedOld[k], armedBy[k] = armedAt[armedN], armedOld[armedN], armedBy[armedN]
		store32(whereArmed(armedBy[k]), uint32(k)+1)
	}
}

// fire makes the watch readable that armed word k belongs to.
func fire(k int) {
	by := armedBy[k]
	disarm(k)
	f := &files[by&0xffff]
	if f.a != 0 {
		store32(whereArmed(by), changed)
		store32(f.a+(uint64(f.peer)+f.b)*4, by>>16)
		f.b++
	}
	if f.c == watchIdle {
		f.c = watchFired
		if f.owner == 0 {
			lateN++
		} else if slot := dispatcherOf(f.owner); slot != 0 {
			kick(slot)
		}
	}
	notify(int(by&0xffff), pollIn)
}

// readNow takes back that f has fired.
func readNow(f *file) {
	if f.c != watchIdle && f.owner == 0 {
		if lateN--; lateN == 0 {
			inTime()
		}
	}
	f.c = watchIdle
}

// closeWatch takes fd's words out of the armed ones.
func closeWatch(fd uint64) {
	for k := armedN - 1; k >= 0; k-- {
		if uint64(armedBy[k]&0xffff) == fd {
			disarm(k)
		}
	}
	readNow(&files[fd])
}

// lookAtWatches fires every armed word that changed and reports whether there
// was one.
func lookAtWatches() bool { return lookAt(0, armedN) }

// lookAtSome is lookAtWatches for some of the armed words, in turns.
func lookAtSome() bool {
	if armedN <= shortLook {
		return lookAtWatches()
	}
	if lookedTo >= armedN {
		lookedTo = 0
	}
	from := lookedTo
	lookedTo += shortLook
	return lookAt(from, min(lookedTo, armedN))
}

// lookAt looks at the armed words from one to before another, from behind: where
// one fires, the last one takes its place.
func lookAt(from, to int) (fired bool) {
	for k := to - 1; k >= from; k-- {
		if load64(armedAt[k]) != armedOld[k] {
			fire(k)
			fired = true
		}
	}
	return fired
}

// readWatch returns 8 bytes once the watch has fired; of a set, 4 bytes for each
// place that has changed.
func readWatch(c *context, f *file, fd, buffer, n uint64) uint64 {
	if n < max(8, 4*uint64(f.peer)) {
		return errno(eINVAL)
	}
	if f.c == watchIdle {
		return f.block(c, fd)
	}
	readNow(f)
	if f.a == 0 {
		store64(buffer, 1)
		return 8
	}
	read := f.b * 4
	for ; f.b != 0; f.b-- {
		place := load32(f.a + (uint64(f.peer)+f.b-1)*4)
		store32(f.a+uint64(place)*4, 0)
		store32(buffer+(f.b-1)*4, place)
	}
	return read
}
