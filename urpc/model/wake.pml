/*
 * Wake-up over one ring: core 0 sends MESSAGES messages, flushing after any number of them and at
 * the end, and sleeps for want of room; core 1 receives them and sleeps for want of messages.
 * POLLS: core 1 never sleeps and never gives back but as messages are taken. HOSTED: both are cores without KVM. A lost wake-up is an end state in which one of them has not ended.
 */

#ifndef LINES
#define LINES 2
#endif
#ifndef EVERY
#define EVERY 1
#endif
#ifndef MESSAGES
#define MESSAGES 4
#endif

#ifdef HOSTED
#define CORES 4
#else
#define CORES 2
#endif
#define DEPTH 4
#define HEADER(n) ((n) % LINES)
#define ACK LINES
#define ASLEEP(c) (LINES + 1 + (c))
#define DOORBELL(c) (LINES + 3 + (c))
#define WORDS (LINES + 5)

#include "tso.pml"
#include "idle.pml"
#ifdef HOSTED
#include "hosted.pml"
#define sleep(c, at0, old) sleepHosted(c, at0, old)
#endif

byte got; /* messages taken */

/* look of the sender: what the acknowledgement allows. */
inline take() {
	d_step {
		assert(acked <= w && w <= next);
		acked = w; seen = w; limit = w + LINES - 1; w = 0
	}
}

inline flush() {
	if
	:: flushed == next
	:: else ->
		flushed = next;
		wake(0, 0, 1, w);
		load(0, ACK, w);
		if
		:: w != seen -> take()
		:: else -> w = 0
		fi
	fi
}

inline waitRoom() {
#ifndef PARK_WITHOUT_FLUSH
	flush();
#endif
	if
	:: next == limit -> sleep(0, ACK, seen)
	:: else
	fi
}

proctype sender() {
	byte next, limit = LINES - 1, acked, seen, flushed, w;
	do
	:: next == MESSAGES -> break
	:: next < MESSAGES && next == limit ->
		load(0, ACK, w);
		take();
		if
		:: next == limit -> waitRoom()
		:: else
		fi
	:: next < MESSAGES && next != limit ->
		store(0, HEADER(next), next + 1);
		next++;
		if
		:: true -> flush() /* Send, or the end of a batch */
		:: true            /* TrySend */
		fi
	od;
#ifndef NO_LAST_FLUSH
	flush()
#endif
}

inline tryRecv() {
	atomic {
		load(1, HEADER(next), h);
		if
		:: h == next + 1 -> next++; got++; h = 0; none = 0
		:: else ->
			assert(h == (next < LINES -> 0 : next + 1 - LINES));
			none = 1
		fi
	};
	if
	:: next == ackAt -> giveBack()
	:: else
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

#ifdef RING_EVERY_LAP
#define RING LINES
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

proctype receiver() {
	byte next, ackAt = EVERY, acked, rang, h, w;
	bit none;
	do
	:: next == MESSAGES -> break
	:: next < MESSAGES ->
#ifdef POLLS
		mem[HEADER(next)] == next + 1; /* polls that find nothing change nothing */
#endif
		tryRecv();
		if
		:: !none
		:: else ->
			ack();
			tryRecv();
			if
			:: !none
			:: else -> sleep(1, HEADER(next), h); none = 0
			fi
		fi;
		h = 0
	od
}

init {
	atomic {
#ifdef HOSTED
		run buffers(0); run buffers(1); run buffers(2); run buffers(3); run poll(0); run poll(1);
#else
		run hardware(0); run hardware(1);
#endif
		run sender(); run receiver()
	}
}
