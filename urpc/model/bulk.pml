/*
 * The bulk ring: core 0 writes at most MESSAGES lines, publishing its index at any time, and closes
 * at any time; core 1 takes them, and closes at any time. Both sleep. With DIES=0 or 1 that core
 * stops for ever between any two instructions, or not at all, and core 2, the VMM, buries it. Every
 * line told of arrives, whole, in order and once, before ErrClosed; no line is written before it was
 * given back; nobody waits for ever; no end takes its peer for a broken one.
 *
 * LINES lines, acknowledged every EVERY lines; the sender publishes TELL lines after the last index
 * at the latest. NO_CLOSE: no end closes but the sender, after MESSAGES. POLLS: as in wake.pml.
 */

#ifndef LINES
#define LINES 2
#endif
#ifndef EVERY
#define EVERY 1
#endif
#ifndef TELL
#define TELL 2
#endif
#ifndef MESSAGES
#define MESSAGES 3
#endif

#define CORES 3
#define DEPTH 4
#define LINE(n) ((n) % LINES)
#define INDEX LINES
#define ACK (LINES + 1)
#define ASLEEP(c) (LINES + 2 + (c))
#define DOORBELL(c) (LINES + 4 + (c))
#define WORDS (LINES + 6)
#define BELLS 3
#ifndef FINE
#define COARSE
#endif

#define EPOCH 64   /* in an index */
#define CLOSED 128 /* indexClosed, and ackClosed */
#define count(index) ((index) % EPOCH)

#include "tso.pml"
#include "idle.pml"

bit dead[2];
byte taken;     /* lines that the receiver has copied */
byte published; /* lines of the index stored last */

inline tell() {
	if
	:: told == next
	:: else ->
		atomic {
			told = next; published = next;
			store(0, INDEX, EPOCH + next)
		}
	fi
}

/* look of the sender; broke is its sticky error, always ErrClosed. */
inline senderLook() {
#ifndef NO_TELL_ON_FULL
	tell();
#endif
	atomic {
		load(0, ACK, w);
		seen = w;
		assert(acked <= w % CLOSED && w % CLOSED <= told);
		if
		:: w >= CLOSED -> broke = 1; limit = next
#ifdef LIMIT_BEYOND
		:: else -> acked = w; limit = w + LINES + 1
#else
		:: else -> acked = w; limit = w + LINES
#endif
		fi;
		w = 0
	}
}

inline flush() {
	if
	:: flushed == next
	:: else ->
		tell();
		flushed = next;
#ifndef FLUSH_WITHOUT_WAKE
		wake(0, 0, 1, w);
#endif
		if
		:: broke
		:: else ->
			load(0, ACK, w);
			if
			:: w != seen -> w = 0; senderLook()
			:: else -> w = 0
			fi
		fi
	fi
}

inline waitRoom() {
#ifndef PARK_WITHOUT_FLUSH
	flush();
#endif
	if
	:: next == limit && !broke -> senderLook()
	:: else
	fi;
	if
	:: next == limit && !broke -> sleep(0, ACK, seen)
	:: else
	fi
}

/* put is one line of SendBatch, or of Reserve and Commit. */
inline put() {
#ifdef INDEX_FIRST
	if
	:: next + 1 == told + TELL -> next++; tell(); next--
	:: else
	fi;
#endif
	atomic {
		assert(next - taken < LINES); /* the line that was here has been copied */
		store(0, LINE(next), next + 1);
		next++
	};
	if
	:: next == told + TELL -> tell()
	:: else
	fi
}

inline send() {
	if
	:: next == limit ->
		senderLook();
		if
		:: next == limit && !broke -> waitRoom()
		:: else
		fi
	:: next != limit ->
		put();
		if
		:: true -> flush()
		:: true
		fi
	fi
}

inline senderClose() {
	atomic {
		published = next;
#ifdef CLOSE_FIRST
		store(0, INDEX, CLOSED + EPOCH + told)
#else
		store(0, INDEX, CLOSED + EPOCH + next)
#endif
	};
#ifndef CLOSE_WITHOUT_WAKE
	wake(0, 0, 1, w)
#endif
}

proctype sender() {
	byte next, limit = LINES, told, acked, seen, flushed, w;
	bit broke;
	{
		do
		:: next < MESSAGES && !broke -> send()
		:: next == MESSAGES || broke -> break
#ifndef NO_CLOSE
		:: next < MESSAGES && !broke -> break
#endif
		od;
		senderClose();
		skip
	} unless { dead[0] };
	d_step {
		forget(0);
		next = 0; limit = 0; told = 0; acked = 0; seen = 0; flushed = 0; w = 0; broke = 0
	}
}

#define OK 0
#define EMPTY 1
#define ERRCLOSED 2

/* look of the receiver; the index is loaded once. */
inline receiverLook() {
	if
	:: seen >= CLOSED -> result = ERRCLOSED
	:: else ->
		atomic {
			load(1, INDEX, w);
			if
			:: w == seen -> result = EMPTY
			:: else ->
				/* what the code calls ErrEpoch and ErrCorrupt */
				assert((w / EPOCH) % 2 == 1);
				assert(have <= count(w) && count(w) - acked <= LINES);
				assert(count(w) != have || w >= CLOSED);
				seen = w; have = count(w);
				if
				:: have == next -> result = ERRCLOSED
				:: else -> result = OK
				fi
			fi;
			w = 0
		}
	fi
}

inline publishAck() {
	d_step { acked = next; ackAt = next + EVERY };
	store(1, ACK, acked)
}

inline wakeSender() {
	rang = next;
#ifndef NO_RING_ON_ACK
	wake(1, 1, 0, w)
#endif
}

#ifdef RING_AFTER_LAP
#define RING (LINES + 1)
#else
#define RING (LINES / 2)
#endif
inline giveBack() {
	publishAck();
	if
	:: next - rang >= RING -> wakeSender()
	:: else
	fi
}

inline ack() {
	if
	:: rang == next
	:: else ->
		if
		:: acked == next
		:: else -> publishAck()
		fi;
		wakeSender()
	fi
}

/* take is one line of RecvBatch, or of Peek and Release. */
inline take() {
#ifdef ACK_FIRST
	next++;
	if
	:: next == ackAt -> giveBack()
	:: else
	fi;
	next--;
#endif
	atomic {
		load(1, LINE(next), w);
		assert(w == next + 1);
		w = 0; next++; taken++
	};
	if
	:: next >= ackAt -> giveBack()
	:: else
	fi
}

inline recv() {
	if
	:: next != have -> take()
	:: else ->
#ifdef POLLS
		seen >= CLOSED || mem[INDEX] != seen; /* polls that find nothing change nothing */
#endif
		receiverLook();
		if
		:: result == EMPTY ->
			ack();
			receiverLook();
			if
			:: result == EMPTY -> sleep(1, INDEX, seen)
			:: else
			fi
		:: else
		fi
	fi
}

inline receiverClose() {
#ifdef ACK_WITHOUT_CLOSED
	store(1, ACK, next);
#else
	store(1, ACK, next + CLOSED);
#endif
	wake(1, 1, 0, w)
}

proctype receiver() {
	byte next, have, ackAt = EVERY, acked, rang, seen, w, result;
	{
		do
		:: result == ERRCLOSED -> break
		:: result != ERRCLOSED -> result = OK; recv()
#ifndef NO_CLOSE
		:: result != ERRCLOSED -> receiverClose(); break
#endif
		od;
		if
		:: result == ERRCLOSED -> assert(next == published)
		:: else
		fi
	} unless { dead[1] };
	d_step {
		forget(1);
		next = 0; have = 0; ackAt = 0; acked = 0; rang = 0; seen = 0; w = 0; result = 0
	}
}

#ifdef DIES

/* vmm learns that a core has died, which is when its stores are all in memory. */
proctype vmm() {
	byte w;
end:
	dead[DIES];
#ifndef BURY_UNFENCED
	fence(DIES);
#endif
#if DIES == 0
	load(2, INDEX, w);
	if
	:: w == 0 -> w = EPOCH
	:: else
	fi;
	store(2, INDEX, w % CLOSED + CLOSED);
#else
	load(2, ACK, w);
	store(2, ACK, w % CLOSED + CLOSED);
#endif
	w = 0;
	fence(2);
#ifndef BURY_WITHOUT_WAKE
	wake(2, 2, 1 - DIES, w)
#endif
}

proctype storesOfVMM() {
end:
	do
	:: drain(2)
	od
}

#endif

init {
	atomic {
		run hardware(0); run hardware(1); run sender(); run receiver();
#ifdef DIES
		run vmm(); run storesOfVMM()
#endif
	}
#ifdef DIES
	if
	:: dead[DIES] = 1
	:: true
	fi
#endif
}
