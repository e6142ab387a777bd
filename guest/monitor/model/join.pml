/* A core joins while others change what all hold alike: core 2 gets the state of the
 * sponsor, core 0 or, where that dies, core 1. Cores 0 and 1 each add to a counter once,
 * by one phase, at any moment; of core 0's death all learn from the VMM. Core i's addition
 * must take effect once at every core, or, where core 0 dies before it had recorded it, at
 * none. What was begun before the join's epoch does not include core 2; it must be in the
 * state that it is given.
 *
 * Views: 1 cores 0 and 1; 2 core 2 joins; 3 core 0 is gone.
 *
 * Mistakes:
 * NO_FLUSH        the sponsor saves its state without waiting for the others' operations
 * SNAPSHOT_BARE   a snapshot does not say which additions it contains
 * FORGET_MISSED   the joining core keeps nothing of what takes effect before its state is here
 * INCLUDE_LATE    operations that begin in the join's epoch do not include the joining core
 * SETTLE_NOT      the joining core does not settle what the dead sponsor left
 * NO_NEXT_SPONSOR nobody is told to send the state when the sponsor has died
 */

mtype = { apply, done, flushed, snapshot };

byte published = 1;        /* epoch of the VMM's view */
byte seen[3];              /* epoch of each core's */
bool dies;                 /* core 0 is dead */
byte count[3];             /* the counter at each core */
byte set[3];               /* additions that are in it: ADD0, ADD1 */
bool rec0, rec0to2;        /* the record of core 0, and whether it includes core 2 */
byte state[2];             /* of additions: 0 not begun, 1 under way, 2 ended */
byte since[2];             /* epoch in which it began */
bool holder;               /* core 2 has the state */
byte missed;               /* additions that it has heard of before that */
bool ready[2];             /* cores whose own earlier operations have ended, as the sponsor knows */
bool said[2];              /* core has said so, of its view */
bool sent;                 /* the sponsor has sent the state */

/* channels between two cores: message, and a snapshot's counter and contents */
chan c01 = [3] of { mtype };
chan c10 = [4] of { mtype };
chan c02 = [4] of { mtype, byte, byte };
chan c12 = [4] of { mtype, byte, byte };
chan c20 = [3] of { mtype };
chan c21 = [3] of { mtype };

#define SPONSOR(i) (published >= 2 && (i == 0 -> seen[0] == 2 : seen[1] == 3))
#define EARLIER(i) (state[i] == 1 && since[i] < 2)

#define ADD0 1
#define ADD1 2

/* take is core i taking an addition, once. */
inline take(i, add) {
	if
	:: (set[i] & add) == 0 -> set[i] = set[i] | add; count[i]++
	:: else
	fi
}

/* hear is core 2 hearing of an addition. */
inline hear(add) {
	if
	:: holder -> take(2, add)
#ifndef FORGET_MISSED
	:: !holder -> missed = missed | add
#else
	:: !holder
#endif
	fi
}

inline install(n, in) {
	if
	:: !holder ->
		count[2] = n;
		set[2] = in;
		holder = true;
#ifdef SNAPSHOT_BARE
		if :: missed & ADD0 -> count[2]++; set[2] = set[2] | ADD0 :: else fi;
		if :: missed & ADD1 -> count[2]++; set[2] = set[2] | ADD1 :: else fi
#else
		if :: missed & ADD0 -> take(2, ADD0) :: else fi;
		if :: missed & ADD1 -> take(2, ADD1) :: else fi
#endif
	:: else
	fi
}

#ifdef NO_FLUSH
#define FLUSHED true
#else
#define FLUSHED (!EARLIER(0) && ready[1])
#endif

#ifdef INCLUDE_LATE
#define INCLUDES(i) false
#else
#define INCLUDES(i) (seen[i] >= 2)
#endif

proctype Core0() {
	bool w1, w2;
	{
end:	do
	:: seen[0] < published && published < 3 -> seen[0] = published
	:: state[0] == 0 ->
		since[0] = seen[0];
		w1 = true;
		w2 = INCLUDES(0);
		atomic { rec0to2 = w2; rec0 = true; state[0] = 1 }
		take(0, ADD0);
		c01!apply;
		if :: w2 -> c02!apply(0, 0) :: else fi
	:: state[0] == 1 && !w1 && !w2 -> atomic { rec0 = false; state[0] = 2 }
	:: c10?[done] -> c10?done; w1 = false
	:: c20?[done] -> c20?done; w2 = false
	:: c10?[apply] -> c10?apply; take(0, ADD1); c01!done
	:: c10?[flushed] -> c10?flushed; ready[1] = true
	:: SPONSOR(0) && FLUSHED && !sent -> atomic { sent = true; c02!snapshot(count[0], set[0]) }
	od
	} unless { dies }
}

proctype Core1() {
	bool w0, w2, gave;
end:	do
	:: seen[1] < published ->
		atomic {
			if
			:: published == 3 ->
				if :: rec0 -> take(1, ADD0) :: else fi; /* core 0 is settled */
				w0 = false
			:: else
			fi;
			seen[1] = published
		}
	:: state[1] == 0 ->
		since[1] = seen[1];
		w0 = seen[1] < 3;
		w2 = INCLUDES(1);
		state[1] = 1;
		take(1, ADD1);
		if :: w0 -> c10!apply :: else fi;
		if :: w2 -> c12!apply(0, 0) :: else fi
	:: state[1] == 1 && !w0 && !w2 -> state[1] = 2
	:: c01?[done] -> c01?done; w0 = false
	:: c21?[done] -> c21?done; w2 = false
	:: seen[1] < 3 && c01?[apply] -> c01?apply; take(1, ADD0); c10!done
	:: seen[1] == 2 && !EARLIER(1) && !said[1] -> said[1] = true; c10!flushed
#ifndef NO_NEXT_SPONSOR
	:: SPONSOR(1) && !EARLIER(1) && !gave -> atomic { gave = true; c12!snapshot(count[1], set[1]) }
#endif
	od
}

proctype Core2() {
	byte n, in;
	seen[2] >= 2;
end:	do
	:: seen[2] < published ->
		atomic {
			if
			:: published == 3 ->
#ifndef SETTLE_NOT
				if :: rec0 && rec0to2 -> hear(ADD0) :: else fi;
#endif
				seen[2] = 3
			:: else
			fi
		}
	:: seen[2] < 3 && c02?[apply] -> c02?apply(_, _); hear(ADD0); c20!done
	:: c12?[apply] -> c12?apply(_, _); hear(ADD1); c21!done
	:: seen[2] < 3 && c02?[snapshot] -> atomic { c02?snapshot(n, in); install(n, in) }
	:: c12?[snapshot] && seen[2] == 3 -> atomic { c12?snapshot(n, in); install(n, in) }
	od
}

proctype VMM() {
	/* all have settled view 1 */
	atomic { published = 2; seen[2] = 2 };
	if
	:: dies = true; published = 3 /* fenced first */
	:: skip
	fi
}

proctype Judge() {
	atomic {
		timeout;
		assert(holder);
		assert(state[1] == 2);
		assert(count[1] == count[2] && set[1] == set[2] && (set[1] & ADD1));
		assert(count[1] == (set[1] & ADD0) + 1);
		assert(dies || (count[0] == count[1] && state[0] == 2));
		assert(!dies || state[0] != 2 || (set[1] & ADD0))
	}
}

init {
	atomic {
		seen[0] = 1;
		seen[1] = 1;
		run Core0();
		run Core1();
		run Core2();
		run VMM();
		run Judge()
	}
}
