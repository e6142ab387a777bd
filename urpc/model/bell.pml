/*
 * One Bell for two senders, which are two threads (cores 0 and 2) that share its rung word, each
 * with a ring of its own; core 1 receives from both and sleeps on both headers at once. The rings
 * have room for all MESSAGES of a sender.
 */

#ifndef MESSAGES
#define MESSAGES 2
#endif

#define CORES 3
#define DEPTH 2
#define WATCHES 2
#define SHARED_BELL
#define HEADER(ring, n) ((ring) * MESSAGES + (n))
#define ASLEEP(c) (2 * MESSAGES)
#define DOORBELL(c) (2 * MESSAGES + 1)
#define WORDS (2 * MESSAGES + 2)

#include "tso.pml"
#include "idle.pml"

proctype sender(byte me, ring) {
	byte next, w, was;
	do
	:: next == MESSAGES -> break
	:: else ->
		store(me, HEADER(ring, next), 1);
		next++;
		wake(me, 0, 1, w)
	od
}

inline tryRecv(ring) {
	atomic {
		load(1, HEADER(ring, next[ring]), h);
		if
		:: h -> next[ring]++; h = 0; none = 0
		:: else
		fi
	}
}

proctype receiver() {
	byte next[2], h;
	bit none;
	do
	:: next[0] == MESSAGES && next[1] == MESSAGES -> break
	:: else ->
		none = 1;
		if
		:: next[0] < MESSAGES -> tryRecv(0)
		:: else
		fi;
		if
		:: next[1] < MESSAGES -> tryRecv(1)
		:: else
		fi;
		if
		:: none ->
			if
			:: next[0] < MESSAGES -> arm(1, 0, HEADER(0, next[0]), 0)
			:: else
			fi;
			if
			:: next[1] < MESSAGES -> arm(1, 1, HEADER(1, next[1]), 0)
			:: else
			fi;
			park(1);
			d_step { /* both goroutines look again */
				armed[WATCH(1, 0)] = 0; watched[WATCH(1, 0)] = 0;
				armed[WATCH(1, 1)] = 0; watched[WATCH(1, 1)] = 0
			}
		:: else
		fi;
		none = 0
	od
}

proctype sending(byte core) {
end:
	do
	:: drain(core)
	od
}

init {
	atomic {
		run sending(0); run hardware(1); run sending(2);
		run sender(0, 0); run sender(2, 1); run receiver()
	}
}
