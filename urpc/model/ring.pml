/*
 * The lines of one ring, polled by both ends for ever: sequence numbers wrap, so this is every lap.
 * Every message arrives, once, in order, whole; no line is written before it was given back.
 * Run twice: for assertions, and for non-progress cycles under weak fairness.
 *
 * LINES lines; numbers count modulo MODULUS; the receiver acknowledges every EVERY lines. A payload
 * is two words, which both hold the message's number.
 */

#ifndef LINES
#define LINES 4
#endif
#ifndef EVERY
#define EVERY 2
#endif
#define MODULUS (4 * LINES)

#define CORES 2
#ifndef DEPTH
#define DEPTH 3
#endif
#define FIRST(n) (3 * ((n) % LINES))
#define SECOND(n) (FIRST(n) + 1)
#define HEADER(n) (FIRST(n) + 2)
#define ACK (3 * LINES)
#define WORDS (3 * LINES + 1)

/* makeHeader of a message: the epoch, and the sequence number (number + 1). */
#define EPOCH 128
#define OTHER 64
#define EPOCHS 192
#define header(n) (EPOCH + ((n) + 1) % MODULUS)
#define minus(a, b) (((a) + MODULUS - (b)) % MODULUS)

#include "tso.pml"

byte taken; /* lines that the receiver has copied */

inline putWords() {
	/* the line that was here has been copied */
	assert(minus(next, taken) < LINES);
	store(0, FIRST(next), next);
	store(0, SECOND(next), next)
}

/* TrySend: room() is look. */
proctype sender() {
	byte next, limit = LINES - 1, acked, w;
	do
	:: next == limit ->
		atomic {
			load(0, ACK, w);
			assert(minus(w, acked) <= minus(next, acked));
			acked = w;
#ifdef LIMIT_BEYOND
			limit = (w + LINES + 1) % MODULUS;
#else
			limit = (w + LINES - 1) % MODULUS;
#endif
			w = 0
		}
	:: else ->
#ifdef HEADER_FIRST
		store(0, HEADER(next), header(next));
		putWords();
#else
		putWords();
		store(0, HEADER(next), header(next));
#endif
		next = (next + 1) % MODULUS
	od
}

/* getWords copies, and judges what was copied. */
inline getWords() {
	load(1, FIRST(next), w);
	atomic { assert(w == next); w = 0 };
	load(1, SECOND(next), w);
	atomic { assert(w == next); w = 0; taken = (taken + 1) % MODULUS }
}

inline ack() {
	atomic {
		acked = next;
		ackAt = (next + EVERY) % MODULUS;
#ifndef NO_ACK
		store(1, ACK, next)
#endif
	}
}

#define beforeItsTurn(n) (lap -> header(minus(n, LINES)) : 0)

#if defined IGNORE_SEQUENCE
#define expected(h, n) (((h) & EPOCHS) == EPOCH)
#elif defined IGNORE_EPOCH
#define expected(h, n) (((h) & ~EPOCHS) == ((n) + 1) % MODULUS && (h) != 0)
#else
#define expected(h, n) ((h) == header(n))
#endif

/* Recv with the Sleeper Yield: TryRecv, and where that is empty Ack. */
proctype receiver() {
	byte next, ackAt = EVERY, acked, h, w;
	bit lap; /* the first one is over */
	do
	::
		load(1, HEADER(next), h);
		if
		:: expected(h, next) ->
			h = 0;
			getWords();
progress:
			atomic {
				next = (next + 1) % MODULUS;
				lap = lap || next == LINES
			};
			if
			:: next == ackAt -> ack()
			:: else
			fi
#ifdef STALE
		:: (h & EPOCHS) == OTHER -> break /* ErrEpoch, for ever */
#endif
		:: else ->
			/* judge */
			assert(h == beforeItsTurn(next));
			h = 0;
			if
			:: acked != next -> ack()
			:: else
			fi
		fi
	od
}

proctype drain0() { do :: drain(0) od }
proctype drain1() { do :: drain(1) od }

init {
	atomic {
#ifdef STALE
		/* memory that another life of the channel left: a lap of its messages, not zeroed */
		byte n = 0;
		do
		:: n < LINES ->
			mem[FIRST(n)] = 63; mem[SECOND(n)] = 63; mem[HEADER(n)] = OTHER + n + 1;
			n++
		:: else -> break
		od;
#endif
		run drain0(); run drain1(); run sender(); run receiver()
	}
}
