/*
 * A ring that two cores read: core 0 broadcasts at most MESSAGES messages and closes, cores 1 and 2
 * receive until an error. The slower one bounds the writer. CLOSES names those that may close at any
 * time: 1 the writer, 2 and 4 the readers, or a sum of these. With DIES=0 or 1 that core stops for ever
 * between any two steps, or not at all, and core 3, the VMM, closes what it held and wakes the others.
 * Each reader gets every message whose header was stored, in order, and then ErrClosed; no line is
 * written before both gave it back or left; nobody waits for ever; no end takes another for broken.
 *
 * READERS=1: core 2 is no member. HOSTILE: the writer sends without looking at acknowledgements. Readers may then lose messages, or find
 * it broken, but wait for ever neither.
 *
 * What other models have in full is one step here: a line (ring.pml), the second look and the halt, the
 * doorbell and the end of the sleep (wake.pml, bell.pml). A ring too many is left out with that, and the
 * death of a core between the exchange and the ring: the VMM has a bell of its own.
 */

#ifndef LINES
#define LINES 2
#endif
#ifndef EVERY
#define EVERY 1
#endif
#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef CLOSES
#define CLOSES 0
#endif

#ifndef READERS
#define READERS 2
#endif

#define CORES 4
#ifndef DEPTH
#define DEPTH 3
#endif
#define VMM 3
#define NOBODY 3 /* a core that is no member: its acknowledgement stays zero */
#define HEADER(n) ((n) % LINES)
#define SENT LINES
#define STATE(c) (LINES + 1 + (c)) /* of the writer's and the readers' control blocks */
#define ACK(c) (LINES + 3 + (c))   /* of readers, and of NOBODY */
#define WORDS (LINES + 7)

#define mark(n) (128 + (n) + 1) /* header of the close mark in line n */
#define CLOSED 128              /* ackClosed */
#ifdef NO_FREE_LINE
#define ROOM LINES
#else
#define ROOM (LINES - 1)
#endif

#include "tso.pml"

bit asleep[3];   /* the words of the cores */
bit dead[2];
byte taken[3];   /* lines that a reader has copied */
bit gone[3];     /* a reader has closed */
byte headers;    /* messages whose header the writer has stored */
hidden byte found;

/*
 * DIRECT: stores of a reader go to memory at once. It fences after its stores before it loads again,
 * so that its buffer can only make them later, and a smaller model does as well. So does the VMM, where
 * what it loads before its fence was written by nobody but itself and the dead.
 */
#ifdef DIRECT
#define readerStore(r, at, val) mem[at] = val
#else
#define readerStore(r, at, val) store(r, at, val)
#endif
#if defined DIRECT && !defined HOSTILE
#define vmmStore(at, val) mem[at] = val
#else
#define vmmStore(at, val) store(VMM, at, val)
#endif

/* sleep is Sleeper.Sleep: publish, look once more, halt until somebody rings. */
inline sleep(c, at0, old) {
	do
	::
		atomic {
			fence(c);
			load(c, at0, found);
			if
			:: found != (old) -> break
			:: else -> asleep[c] = 1
			fi
		};
		!asleep[c]
	od
}

/* ring is Bell.look, wake is Bell.Wake: nothing enters the buffer between fence and load. */
inline ring(c) { asleep[c] = 0 }
inline wake(me, c) { atomic { fence(me); ring(c) } }

/* wakeMembers is one fence for all bells, and a look at each. */
inline wakeMembers() {
	atomic {
#ifndef DROP_WRITER_FENCE
		fence(0);
#endif
		if
		:: !left[1] -> ring(1)
		:: else
		fi
	};
#ifndef WAKE_ONE
	atomic {
		if
		:: !left[2] -> ring(2)
		:: else
		fi
	}
#endif
}

/* lookMember is look of one listener. */
inline lookMember(r) {
	if
	:: left[r]
	:: atomic {
			!left[r] ->
			load(0, ACK(r), w);
			assert(acked[r] <= w % CLOSED && w % CLOSED <= next);
			if
			:: w >= CLOSED -> left[r] = 1
			:: else -> acked[r] = w
			fi;
			w = 0
		};
		atomic {
			load(0, STATE(r), w);
			if
			:: w -> left[r] = 1; w = 0
			:: else
			fi
		}
	fi
}

/* look is look of the Broadcaster: the slowest that is left sets the limit. */
inline look() {
	lookMember(1);
	lookMember(2);
	d_step {
		w = next;
		if
		:: !left[1] && acked[1] < w -> w = acked[1]; slow = 1
		:: else
		fi;
		if
#ifdef LIMIT_OF_LAST
		:: !left[2] -> w = acked[2]; slow = 2
#else
		:: !left[2] && acked[2] < w -> w = acked[2]; slow = 2
#endif
		:: else
		fi;
		limit = w + ROOM;
		w = 0;
		/* who is out counts no more */
		if
		:: left[1] -> acked[1] = 0
		:: else
		fi;
		if
		:: left[2] -> acked[2] = 0
		:: else
		fi
	}
}

inline flush() {
	if
	:: flushed == next
	:: atomic { flushed != next -> flushed = next };
		wakeMembers()
	fi
}

inline waitRoom() {
#ifndef PARK_WITHOUT_FLUSH
	flush();
#endif
#if defined WATCH_FIRST
	sleep(0, ACK(1), acked[1])
#elif defined WATCH_FRESH_VALUE
	load(0, ACK(slow), w);
	atomic {
		if
		:: w >= CLOSED -> w = 0
		:: else -> acked[slow] = w; w = 0
		fi
	};
	sleep(0, ACK(slow), acked[slow])
#else
	sleep(0, ACK(slow), acked[slow])
#endif
}

inline send() {
#ifdef HOSTILE
	limit = next + ROOM;
#endif
	if
	:: next == limit ->
		look();
		if
		:: next == limit -> waitRoom()
		:: next != limit
		fi
	:: atomic {
			next != limit ->
#ifndef HOSTILE
			/* the line that was here has been copied by all who still read */
			assert(gone[1] || dead[1] || next - taken[1] < LINES);
			assert(READERS == 1 || gone[2] || next - taken[2] < LINES);
#endif
			store(0, HEADER(next), next + 1);
			headers++;
			next++
		};
		if
		:: true -> flush() /* Send, or the end of a batch */
		:: true            /* TrySend */
		fi
	fi
}

inline writerClose() {
#ifdef STATE_BEFORE_SENT
	store(0, STATE(0), 1);
	store(0, SENT, next);
#else
	store(0, SENT, next);
	store(0, STATE(0), 1);
#endif
#ifndef NO_CLOSE_MARK
	store(0, HEADER(next), mark(next));
#endif
#ifndef CLOSE_WITHOUT_WAKE
	wakeMembers()
#endif
}

proctype writer() {
	byte next, limit = ROOM, flushed, w, slow = 1;
	byte acked[3];
	bit left[3];
	left[2] = READERS == 1;
	{
		do
		:: next < MESSAGES -> send()
#if CLOSES & 1
		:: break
#else
		:: next == MESSAGES -> break
#endif
		od;
		writerClose();
		skip
	} unless { dead[0] };
	d_step {
		asleep[0] = 0;
		next = 0; limit = 0; flushed = 0; w = 0; slow = 0;
		acked[1] = 0; acked[2] = 0; left[1] = 0; left[2] = 0
	}
}

#define OK 0
#define EMPTY 1
#define ERRCLOSED 2
#define ERRCORRUPT 3

#ifdef HOSTILE
#define corrupt() result = ERRCORRUPT
#else
#define corrupt() assert(0)
#endif

inline tryRecv(r) {
	atomic {
		load(r, HEADER(taken[r]), h);
		if
		:: h == taken[r] + 1 -> h = 0; result = OK
		:: h == mark(taken[r]) -> h = 0; result = ERRCLOSED
		:: h == (taken[r] < LINES -> 0 : taken[r] + 1 - LINES) -> result = EMPTY
		:: else -> corrupt()
		fi
	};
	if
	:: atomic { result == OK -> taken[r]++ }; /* getWords */
		if
		:: taken[r] == ackAt -> ack(r)
		:: taken[r] != ackAt
		fi
	:: atomic { result == EMPTY -> load(r, STATE(0), w) };
		if
		:: atomic { w -> load(r, SENT, w) };
			if
			:: atomic {
					w > taken[r] ->
					load(r, HEADER(taken[r]), w);
					if
					:: w == h -> corrupt()
					:: else /* it came between the two loads */
					fi;
					w = 0
				}
			:: d_step { w == taken[r] -> result = ERRCLOSED; w = 0 }
			:: atomic { w < taken[r] -> corrupt(); w = 0 }
			fi
		:: !w
		fi
	:: result >= ERRCLOSED
	fi
}

inline ack(r) {
	if
	:: acked == taken[r]
	:: atomic {
			acked != taken[r] ->
			acked = taken[r];
			ackAt = acked + EVERY;
			readerStore(r, ACK(r), acked)
		};
#ifndef NO_RING_ON_ACK
		wake(r, 0)
#endif
	fi
}

inline recv(r) {
	tryRecv(r);
	if
	:: result == EMPTY ->
		ack(r);
		tryRecv(r);
		if
		:: result == EMPTY -> sleep(r, HEADER(taken[r]), h)
		:: result != EMPTY
		fi
	:: result != EMPTY
	fi
}

inline readerClose(r) {
	atomic { gone[r] = 1; readerStore(r, STATE(r), 1) };
#ifdef ACK_WITHOUT_CLOSED
	readerStore(r, ACK(r), taken[r]);
#else
	readerStore(r, ACK(r), taken[r] + CLOSED);
#endif
	wake(r, 0)
}

proctype reader(byte r) {
	byte ackAt = EVERY, acked, h, w, result;
	{
		do
		:: result >= ERRCLOSED -> break
		:: d_step { result < ERRCLOSED -> result = OK; h = 0 }; recv(r)
		:: CLOSES >> r & 1 && result < ERRCLOSED -> readerClose(r); break
		od;
#ifndef HOSTILE
		if
		:: result == ERRCLOSED -> assert(taken[r] == headers)
		:: else
		fi
#endif
		skip
	} unless { r == 1 && dead[1] };
	d_step { asleep[r] = 0; ackAt = 0; acked = 0; h = 0; w = 0; result = 0 }
}

#ifdef DIES

/* finished counts from an acknowledgement on. Nobody else writes lines and state any more, so that is one step. */
inline finished() {
	from = n;
	do
	:: n - from < LINES ->
		load(VMM, HEADER(n), w);
		if
		:: w == n + 1 -> n++
		:: else -> break
		fi
	:: else -> break
	od;
	from = 0
}

/* later: the line holds what comes after its turn, a message or the mark of another member. */
#if defined BURY_OVERWRITES
#define later(w, n) false
#elif defined BURY_OVERWRITES_MARK
#define later(w, n) (w < 128 && w > n + 1)
#else
#define later(w, n) (w % 128 > n + 1)
#endif

/* buryFrom closes the ring for a core with that acknowledgement. */
inline buryFrom(r) {
	atomic {
		n = before[r];
#ifndef BURY_UNFINISHED
		finished();
#endif
		load(VMM, HEADER(n), w);
		if
		:: later(w, n) -> w = 255
		:: else -> load(VMM, STATE(0), w)
		fi
	};
	if
	:: w == 255
	:: atomic { !w -> vmmStore(SENT, n) };
		vmmStore(STATE(0), 1);
		vmmStore(HEADER(n), mark(n))
	:: atomic { w == 1 -> vmmStore(HEADER(n), mark(n)) }
	fi;
	d_step { n = 0; w = 0 }
}

inline ackOf(r, to) {
	atomic { load(VMM, ACK(r), w); to = w % CLOSED; w = 0 }
}

inline buryBroadcaster() {
#ifdef BURY_TRUSTS_HALF_CLOSE
	load(VMM, STATE(0), w);
	if
	:: w -> w = 0; goto buried
	:: else
	fi;
#endif
	do
	::
		ackOf(1, before[1]);
		ackOf(2, before[2]);
		buryFrom(1);
		buryFrom(2);
		buryFrom(NOBODY);
		atomic {
			load(VMM, STATE(0), w);
			if
			:: w -> w = 0
			:: else -> vmmStore(STATE(0), 1) /* nobody listened */
			fi
		};
#ifndef DROP_BURIAL_FENCE
		fence(VMM);
#endif
#ifdef BURY_ONCE
		break
#endif
		ackOf(1, after[1]);
		ackOf(2, after[2]);
		if
		:: before[1] == after[1] && before[2] == after[2] -> break
		:: d_step { else -> after[1] = 0; after[2] = 0 }
		fi
	od;
buried:
	skip;
	d_step { before[1] = 0; before[2] = 0; after[1] = 0; after[2] = 0 }
}

inline buryListener() {
	load(VMM, STATE(1), w);
	if
#ifdef BURY_TRUSTS_HALF_CLOSE
	:: w -> w = 0; goto listenerBuried
#else
	:: w
#endif
	:: else -> vmmStore(STATE(1), 1)
	fi;
#ifndef BURY_STATE_ONLY
	load(VMM, ACK(1), w);
	vmmStore(ACK(1), w % CLOSED + CLOSED);
#endif
	w = 0;
listenerBuried:
	skip;
	fence(VMM)
}

/* vmm learns that a core has died, which is when its stores are all in memory. */
proctype vmm() {
	byte n, from, w;
	byte before[4], after[3];
end:
	dead[DIES];
#ifndef BURY_UNFENCED
	fence(DIES);
#endif
#if DIES == 0
	buryBroadcaster();
#else
	buryListener();
#endif
#ifndef BURY_WITHOUT_WAKE
	wake(VMM, 1 - DIES);
#if DIES == 0 && READERS == 2
	wake(VMM, 2)
#endif
#endif
}

#endif

proctype stores(byte core) {
end:
	do
	:: drain(core)
	od
}

init {
	atomic {
		run stores(0);
#ifndef DIRECT
		run stores(1); run stores(2);
#endif
		
		run writer(); run reader(1);
#if READERS == 2
		run reader(2);
#endif
#ifdef DIES
		run stores(VMM); run vmm()
#endif
	}
#ifdef DIES
	if
	:: dead[DIES] = 1
	:: true
	fi
#endif
}
