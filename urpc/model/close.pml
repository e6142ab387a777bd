/*
 * Close and death over one ring: core 0 sends at most MESSAGES messages and closes at any time,
 * core 1 receives until an error, or closes at any time. With DIES=0 or 1 that core stops for ever
 * between any two instructions, or not at all, and core 2, the VMM, closes what it held and wakes
 * the other. The receiver gets every message whose header was stored, whole and in order, and then
 * ErrClosed; nobody waits for ever; no end takes its peer for a broken one.
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

#define CORES 3
#define DEPTH 5
#define PAYLOAD(n) ((n) % LINES)
#define HEADER(n) (LINES + (n) % LINES)
#define SENT (2 * LINES)
#define STATE(c) (2 * LINES + 1 + (c)) /* of the sender's and of the receiver's control block */
#define ACK (2 * LINES + 3)
#define ASLEEP(c) (2 * LINES + 4 + (c))
#define DOORBELL(c) (2 * LINES + 6 + (c))
#define WORDS (2 * LINES + 8)
#define BELLS 3
#define COARSE

#define mark(n) (128 + (n) + 1) /* header of the close mark in line n */
#define CLOSED 128              /* ackClosed */
#ifdef NO_FREE_LINE
#define ROOM LINES
#else
#define ROOM (LINES - 1)
#endif

#include "tso.pml"
#include "idle.pml"

bit dead[2];
byte headers; /* messages whose header the sender has stored */

/* look of the sender; broke is its sticky error, always ErrClosed. */
inline senderLook() {
	load(0, ACK, w);
	atomic {
		seen = w;
		assert(acked <= w % CLOSED && w % CLOSED <= next);
		if
		:: w >= CLOSED -> broke = 1; limit = next; w = 0
		:: else
		fi
	};
	if
	:: broke
	:: else ->
		atomic {
			load(0, STATE(1), g);
			if
			:: g -> broke = 1; limit = next
			:: else -> acked = w; limit = w + ROOM
			fi;
			w = 0; g = 0
		}
	fi
}

inline flush() {
	if
	:: flushed == next
	:: else ->
		flushed = next;
		wake(0, 0, 1, g);
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

inline send() {
	if
	:: next == limit && !broke ->
		senderLook();
		if
		:: next == limit && !broke ->
			flush();
			if
			:: next == limit && !broke -> sleep(0, ACK, seen)
			:: else
			fi
		:: else
		fi
	:: next != limit ->
#ifdef HEADER_FIRST
		atomic { store(0, HEADER(next), next + 1); headers++ };
		store(0, PAYLOAD(next), next + 1);
#else
		store(0, PAYLOAD(next), next + 1);
		atomic { store(0, HEADER(next), next + 1); headers++ };
#endif
		next++;
		flush()
	fi
}

inline senderClose() {
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
	wake(0, 0, 1, g)
#endif
}

proctype sender() {
	byte next, limit = ROOM, acked, seen, flushed, w, g;
	bit broke;
	{
		do
		:: next < MESSAGES && !broke -> send()
#if defined DIES && DIES == 1
		:: next == MESSAGES || broke -> break
#else
		:: break
#endif
		od;
		senderClose();
		skip
	} unless { dead[0] };
	d_step {
		forget(0);
		next = 0; limit = 0; acked = 0; seen = 0; flushed = 0; w = 0; g = 0; broke = 0
	}
}

#define OK 0
#define EMPTY 1
#define ERRCLOSED 2

inline tryRecv() {
	load(1, HEADER(next), h);
	if
	:: h == next + 1 ->
		load(1, PAYLOAD(next), w);
		atomic { assert(w == next + 1); w = 0; h = 0; next++; result = OK };
		if
		:: next == ackAt -> giveBack()
		:: else
		fi
	:: h == mark(next) -> atomic { h = 0; result = ERRCLOSED }
	:: else -> judge()
	fi
}

inline judge() {
	assert(h == (next < LINES -> 0 : next + 1 - LINES));
	load(1, STATE(0), w);
	if
	:: !w -> result = EMPTY
	:: else ->
		load(1, SENT, w);
		if
		:: w == next -> atomic { h = 0; result = ERRCLOSED }
		:: else ->
			assert(w > next);
#ifdef NO_SECOND_LOOK
			assert(0);
#endif
			load(1, HEADER(next), w);
			assert(w != h);
			result = EMPTY
		fi
	fi;
	w = 0
}

inline publishAck() {
	d_step { acked = next; ackAt = next + EVERY };
	store(1, ACK, acked)
}

inline wakeSender() {
	rang = next;
	wake(1, 1, 0, w)
}

inline giveBack() {
	publishAck();
	if
	:: next - rang >= LINES / 2 -> wakeSender()
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

inline recv() {
	tryRecv();
	if
	:: result == EMPTY ->
		ack();
		tryRecv();
		if
		:: result == EMPTY -> sleep(1, HEADER(next), h)
		:: else
		fi
	:: else
	fi;
	h = 0
}

inline receiverClose() {
	store(1, STATE(1), 1);
#ifdef ACK_WITHOUT_CLOSED
	store(1, ACK, next);
#else
	store(1, ACK, next + CLOSED);
#endif
	wake(1, 1, 0, w)
}

proctype receiver() {
	byte next, ackAt = EVERY, acked, rang, h, w, result;
	{
		do
		:: result == ERRCLOSED -> break
		:: result != ERRCLOSED -> result = OK; recv()
#if !defined DIES || DIES == 1
		:: result != ERRCLOSED -> receiverClose(); break
#endif
		od;
		if
		:: result == ERRCLOSED -> assert(next == headers)
		:: else
		fi
	} unless { dead[1] };
	d_step {
		forget(1);
		next = 0; ackAt = 0; acked = 0; rang = 0; h = 0; w = 0; result = 0
	}
}

#ifdef DIES

/* finished counts from the acknowledgement on. */
inline finished() {
	load(2, ACK, n);
	atomic { n = n % CLOSED; from = n };
	do
	:: n - from < LINES ->
		load(2, HEADER(n), w);
		if
		:: w == n + 1 -> n++
		:: else -> break
		fi
	:: else -> break
	od;
	from = 0; w = 0
}

inline burySender() {
	load(2, STATE(0), w);
#ifdef BURY_TRUSTS_HALF_CLOSE
	if
	:: w
	:: else ->
#endif
		finished();
#ifdef BURY_UNFINISHED
		load(2, ACK, n);
		n = n % CLOSED;
#endif
		load(2, STATE(0), w);
		if
		:: w
		:: else ->
			store(2, SENT, n);
			store(2, STATE(0), 1)
		fi;
		store(2, HEADER(n), mark(n));
		n = 0;
#ifdef BURY_TRUSTS_HALF_CLOSE
	fi;
#endif
	w = 0
}

inline buryReceiver() {
	load(2, STATE(1), w);
	if
	:: w
#ifdef BURY_TRUSTS_HALF_CLOSE
	:: else ->
		store(2, STATE(1), 1);
		load(2, ACK, w);
		store(2, ACK, w % CLOSED + CLOSED)
	fi;
#else
	:: else -> store(2, STATE(1), 1)
	fi;
	load(2, ACK, w);
	store(2, ACK, w % CLOSED + CLOSED);
#endif
	w = 0
}

/* vmm learns that a core has died, which is when its stores are all in memory. */
proctype vmm() {
	byte n, from, w;
end:
	dead[DIES];
#ifndef BURY_UNFENCED
	fence(DIES);
#endif
#if DIES == 0
	burySender();
#else
	buryReceiver();
#endif
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
