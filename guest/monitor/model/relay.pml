/* One operation of package agreement that goes over another core: core 0 coordinates, core 1
 * passes on what is for core 2 and takes part itself, and may die at any step, with whatever
 * it has in hand. Then core 0 and core 2 speak to each other. Views are 1, with core 1, and 2
 * without it; each core sees the second one at any time after the death.
 *
 * Mistakes:
 * ASK_ONCE          core 0 does not ask again in view 2
 * FORGET_EARLY      core 2 drops what is sent in a view that it has not seen yet
 * SPEAK_FOR_OTHERS  core 1 votes for core 2 without waiting for it
 * REFUSE_ONCE       nobody acknowledges a refusal
 */

mtype = { none, prepared, refused, committed, aborted }; /* states of the operation */
mtype = { ask, commit, abort, yes, no, done };           /* messages */

mtype state0 = none, state2 = none, state1 = none;
bool dead1;           /* core 1 */
bool published;       /* view 2 */
byte view0 = 1, view2 = 1;
mtype told = none;    /* what the program of core 0 was told */
bool over;            /* core 0 has ended the operation */

/* Messages are what and the view in which they were sent. */
chan c01 = [3] of { mtype, byte };
chan c10 = [3] of { mtype, byte };
chan c12 = [3] of { mtype, byte };
chan c21 = [3] of { mtype, byte };
chan c02 = [3] of { mtype, byte };
chan c20 = [3] of { mtype, byte };

inline say(what) {
	if
	:: view0 == 1 -> c01!what, 1
	:: else -> c02!what, 2
	fi
}

/* await returns with the answer for all that live in core 0's view. */
inline await(what) {
	answer = none;
	do
	:: answer != none -> break
	:: view0 == 1 && answer == none && nempty(c10) ->
		c10?got, sent;
		if
		:: got == done || got == yes || got == no -> answer = got
		fi
	:: view0 == 2 && answer == none && nempty(c20) ->
		c20?got, sent;
		if
		:: what == ask && got != done -> answer = got
		:: what != ask && got == done -> answer = got
		:: else /* to what was asked before */
		fi
	:: view0 == 1 && published && answer == none ->
		view0 = 2;
#ifndef ASK_ONCE
		c02!what, 2
#endif
	od
}

proctype Coordinator() {
	mtype got, answer;
	byte sent;
	state0 = prepared;
	say(ask);
	await(ask);
	if
	:: answer == no ->
		state0 = aborted;
		told = refused;
		say(abort);
#ifndef REFUSE_ONCE
		await(abort)
#endif
	:: answer != no ->
		state0 = committed;
		say(commit);
		await(commit);
		told = committed
	fi;
	over = true
}

/* Relay passes on what comes from core 0, does it itself, and combines the answers. */
proctype Relay() {
	mtype got, other;
	byte sent;
	{
end:	do
	:: c01?got, sent ->
		c12!got, sent;
		if
		:: got == ask ->
			if
			:: state1 = prepared
			:: state1 = refused; c10!no, 1
			fi
		:: got == commit -> state1 = committed
		:: got == abort -> state1 = aborted
		fi;
#ifdef SPEAK_FOR_OTHERS
		if
		:: got == ask && state1 == prepared -> c10!yes, 1; c21?other, sent
		:: else -> c21?other, sent; if :: got == ask -> skip :: else -> c10!other, 1 fi
		fi
#else
		c21?other, sent;
		if
		:: got == ask && state1 == refused /* it is known */
		:: else -> c10!other, 1
		fi
#endif
	od
	} unless { dead1 }
}

/* Leaf takes what is of its view, drops what is of an earlier one, and holds what is of a
 * later one. */
proctype Leaf() {
	mtype got;
	byte sent;
end:	do
	:: view2 == 1 && nempty(c12) ->
		c12?got, sent;
		if
		:: got == ask ->
			if
			:: state2 = prepared; c21!yes, 1
			:: state2 = refused; c21!no, 1
			fi
		:: got == commit ->
			assert(state2 == prepared);
			state2 = committed; c21!done, 1
		:: got == abort ->
			state2 = aborted; c21!done, 1
		fi
#ifdef FORGET_EARLY
	:: view2 == 1 && nempty(c02) -> c02?got, sent
#endif
	:: view2 == 1 && published -> view2 = 2
	:: view2 == 2 && nempty(c02) ->
		c02?got, sent;
		if
		:: got == ask && state2 == none ->
			if
			:: state2 = prepared; c20!yes, 2
			:: state2 = refused; c20!no, 2
			fi
		:: got == ask && state2 == prepared -> c20!yes, 2
		:: got == ask && state2 == refused -> c20!no, 2
		:: got == ask && (state2 == committed || state2 == aborted)
		:: got == commit ->
			assert(state2 == prepared || state2 == committed);
			state2 = committed; c20!done, 2
		:: got == abort ->
			state2 = aborted; c20!done, 2
		fi
	od
}

/* Fate may kill core 1; the VMM publishes that. */
proctype Fate() {
end:	if
	:: dead1 = true; published = true
	:: skip
	fi
}

/* Judge looks once nothing moves any more. */
proctype Judge() {
	atomic {
		timeout;
		assert(over && told != none);            /* the program is answered */
		assert(state2 != prepared);              /* nothing is prepared for ever */
		assert(dead1 || state1 != prepared);
		assert((state0 == committed) == (state2 == committed));
		assert(dead1 || (state0 == committed) == (state1 == committed));
		assert((told == committed) == (state0 == committed))
	}
}

init {
	atomic {
		run Coordinator();
		run Relay();
		run Leaf();
		run Fate();
		run Judge()
	}
}
