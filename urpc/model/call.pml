/*
 * A call line: core 0 makes at most CALLS calls and closes at any time, core 1 accepts and answers
 * until an error, or closes at any time. With DIES=0 or 1 that core stops for ever between any two
 * instructions, or not at all, and core 2, the VMM, closes its end and wakes the other. What was
 * written before a close arrives; nobody waits for ever; no end takes its peer for a broken one.
 */

#ifndef CALLS
#define CALLS 2
#endif

#define CORES 3
#define DEPTH 4
#define PAYLOAD 0
#define HEADER 1
#define STATE(c) (2 + (c)) /* of the client's and of the server's control block */
#define ASLEEP(c) (4 + (c))
#define DOORBELL(c) (6 + (c))
#define WORDS 8
#define BELLS 3
#define COARSE

/* In a model of death only the core that may die closes at any time, the other when it must. */
#if !defined DIES || DIES == 0
#define CLIENT_CLOSES
#endif
#if !defined DIES || DIES == 1
#define SERVER_CLOSES
#endif

#define mark(seq) (128 + (seq)) /* header of the close mark */

#include "tso.pml"
#include "idle.pml"

bit dead[2];
byte written[2]; /* sequence of the header that each end has stored last */

#define OK 0
#define EMPTY 1
#define ERRCLOSED 2

/* write is callEnd.write in one's own turn. */
inline write(me) {
	d_step { notYet = seq + 1; seq = seq + 2; turn = 0; unflushed = 1 };
#ifdef HEADER_FIRST
	atomic { store(me, HEADER, notYet); written[me] = notYet };
	store(me, PAYLOAD, notYet)
#else
	store(me, PAYLOAD, notYet);
	atomic { store(me, HEADER, notYet); written[me] = notYet }
#endif
}

inline read(me) {
	load(me, HEADER, h);
	if
	:: h == seq ->
		load(me, PAYLOAD, h);
		atomic { assert(h == seq); turn = 1; unflushed = 0; result = OK }
	:: h == mark(seq) -> result = ERRCLOSED
	:: else ->
		/* judge */
		assert(h == notYet);
		load(me, STATE(1 - me), h);
		if
		:: h == 0 -> result = EMPTY
		:: else ->
			load(me, HEADER, h);
#ifdef NO_SECOND_LOOK
			result = ERRCLOSED
#else
			result = (h == notYet -> ERRCLOSED : EMPTY)
#endif
		fi
	fi;
	h = 0
}

inline flush(me) {
	if
	:: unflushed -> unflushed = 0; wake(me, me, 1 - me, g)
	:: else
	fi
}

/* wait reads, and fences and rings only if nothing came soon. */
inline wait(me) {
	result = EMPTY;
	do
	:: result == EMPTY ->
		read(me);
		if
		:: result == EMPTY ->
#ifndef PARK_WITHOUT_FLUSH
			flush(me);
#endif
			read(me);
			if
			:: result == EMPTY -> sleep(me, HEADER, notYet)
			:: else
			fi
		:: else
		fi
	:: else -> break
	od;
	if
	:: result == ERRCLOSED -> assert(written[1 - me] != seq) /* no header was overlooked */
	:: else
	fi
}

inline close(me) {
	store(me, STATE(me), 1);
#ifndef DROP_CLOSE_FENCE
	fence(me);
#endif
	if
	:: turn || result == ERRCLOSED
	:: else ->
		load(me, HEADER, h);
		turn = (h == seq || h == mark(seq));
		h = 0
	fi;
	if
	:: turn -> store(me, HEADER, mark(seq + 1))
	:: else
	fi;
#ifndef CLOSE_WITHOUT_WAKE
	wake(me, me, 1 - me, g)
#endif
}

inline clear(me) {
	d_step { forget(me); notYet = 0; seq = 0; h = 0; g = 0; turn = 0; unflushed = 0; result = 0 }
}

proctype client() {
	byte notYet, seq, h, g, result, calls;
	bit turn = 1, unflushed;
	{
		do
		:: calls < CALLS && result != ERRCLOSED ->
			calls++;
			write(0);
			if
			:: true -> wait(0)
#ifdef CLIENT_CLOSES
			:: true -> break /* the context ends, and the program closes */
#endif
			fi
#ifdef CLIENT_CLOSES
		:: break
#else
		:: calls == CALLS || result == ERRCLOSED -> break
#endif
		od;
		close(0)
	} unless { dead[0] };
	clear(0);
	calls = 0
}

proctype server() {
	byte notYet, seq = 1, h, g, result;
	bit turn, unflushed;
	{
		do
		:: result == ERRCLOSED -> break
		:: result != ERRCLOSED ->
			if
			:: turn -> write(1); flush(1)
			:: else -> wait(1)
			fi
#ifdef SERVER_CLOSES
		:: result != ERRCLOSED -> break
#endif
		od;
		close(1)
	} unless { dead[1] };
	clear(1)
}

#ifdef DIES

/* vmm is BuryCall, after the dead core's stores have all reached memory, and the wake after it. */
proctype vmm() {
	byte h, w;
end:
	dead[DIES];
#ifndef BURY_UNFENCED
	fence(DIES);
#endif
#ifdef BURY_TRUSTS_HALF_CLOSE
	load(2, STATE(DIES), w);
	if
	:: w
	:: else ->
#endif
		store(2, STATE(DIES), 1);
		fence(2);
		load(2, HEADER, h);
		if
		:: (h & 1) == DIES -> store(2, HEADER, mark((h & 127) + 1))
		:: else
		fi;
		fence(2);
#ifdef BURY_TRUSTS_HALF_CLOSE
	fi;
#endif
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
		run hardware(0); run hardware(1); run client(); run server();
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
