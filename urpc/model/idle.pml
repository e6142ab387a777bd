/*
 * The bell of a sender and the idle loop of a core, down to the HLT, with the doorbell's interrupt.
 * After tso.pml. A model defines ASLEEP(c) and DOORBELL(c), words of core c (0 or 1), BELLS, and
 * runs hardware(c) for each core. There is no timer: nothing but a doorbell ends a halt.
 *
 * A core runs one goroutine; while that sleeps, the core is in its idle loop.
 */

#ifndef WATCHES
#define WATCHES 1
#endif
#ifndef BELLS
#define BELLS 2
#endif

byte rung[BELLS];      /* Bell.rung: private to the sending process */
byte generation[2];    /* what the core last stored in its asleep word */
bit driver[2];         /* the CPU driver runs: an interrupt is only recorded */
bit pending[2];        /* ... here */
bit masked[2];         /* IF=0 */
byte halt[2];          /* 1: the next instruction is the HLT; 2: halted */
byte watched[2 * WATCHES];  /* the armed word */
byte expected[2 * WATCHES]; /* ... and the value that it is to lose */
bit armed[2 * WATCHES];
bit fired[2];               /* a watch has: its goroutine is runnable */
hidden byte found;

#define odd(value) ((value) & 1)

/*
 * wake is Bell.Wake of bell b, by core me for core c. Fence and load are one step, because nothing
 * can enter the buffer between them. Where nobody else uses the bell the exchange cannot fail. The
 * doorbell needs no buffer: interrupt comes as late as it likes.
 */
inline wake(me, b, c, gen) {
	atomic {
#ifndef DROP_SENDER_FENCE
		fence(me);
#endif
		load(me, ASLEEP(c), gen);
#ifdef SHARED_BELL
	};
	if
	:: odd(gen) ->
		was = rung[b];
		if
		:: was != gen ->
			atomic {
				fence(me);
				if
				:: rung[b] == was -> rung[b] = gen; was = gen
				:: else
				fi
			};
			if
			:: was == gen -> mem[DOORBELL(c)] = 1
			:: else
			fi
		:: else
		fi;
		was = 0
	:: else
	fi;
	gen = 0
#else
		if
		:: odd(gen) && rung[b] != gen -> fence(me); rung[b] = gen
		:: else -> gen = 0
		fi
	};
	if
	:: gen -> atomic { mem[DOORBELL(c)] = 1; gen = 0 }
	:: else
	fi
#endif
}

/* lookAt fires watch k of core c if its word has changed; look is lookAtWatches. */
#define WATCH(c, k) ((c) * WATCHES + (k))
inline lookAt(c, k) {
	atomic {
		if
		:: armed[WATCH(c, k)] ->
			load(c, watched[WATCH(c, k)], found);
			if
			:: found != expected[WATCH(c, k)] ->
				fired[c] = 1; armed[WATCH(c, k)] = 0;
				watched[WATCH(c, k)] = 0; expected[WATCH(c, k)] = 0
			:: else
			fi
		:: else
		fi
	}
}
inline look(c) {
	lookAt(c, 0);
#if WATCHES > 1 && !defined LOOK_AT_ONE
	lookAt(c, 1)
#endif
}

/* arm is armWatch, by a goroutine that saw old in the word and will then read the watch. */
inline arm(c, k, at0, old) {
	d_step {
		driver[c] = 1;
		armed[WATCH(c, k)] = 1;
		watched[WATCH(c, k)] = at0;
#ifdef WATCH_FRESH_VALUE
		expected[WATCH(c, k)] = mem[at0]
#else
		expected[WATCH(c, k)] = old
#endif
	};
	lookAt(c, k)
}

/* park is what schedule does until a watch has fired, and leave. */
inline park(c) {
	do
	:: fired[c] -> break
	:: else -> idle(c)
	od;
	atomic { pending[c] = 0; driver[c] = 0; fired[c] = 0 }
}

/* sleep is Sleeper.Sleep of a guest. */
inline sleep(c, at0, old) { arm(c, 0, at0, old); park(c) }

/* takePending is an XCHG, hence a fence. */
inline takePending(c) { atomic { fence(c); pending[c] = 0 } }

/* idle is one pass of idle and of the settle after it. Polling longer is the first look, later. */
inline idle(c) {
	if
	:: pending[c] -> takePending(c)
	:: else ->
#ifndef COARSE
		look(c);
#endif
		if
		:: fired[c]
		:: else ->
			publishAsleep(c);
			if
			:: pending[c]
			:: else ->
#ifndef DROP_RECHECK
				look(c);
#endif
				if
				:: fired[c]
				:: else -> gateHalt(c)
				fi
			fi;
			wakeUp(c)
		fi
	fi;
	if
	:: fired[c]
	:: else -> look(c) /* settle, at the head of the loop in schedule */
	fi
}

#ifdef COARSE

/*
 * For models of something else than the way to sleep, which wake.pml has in full: publishAsleep is
 * one step, so are the gate and the end of the sleep.
 */
inline publishAsleep(c) {
	atomic { fence(c); generation[c] = (generation[c] + 1) | 1; mem[ASLEEP(c)] = generation[c] }
}
inline gateHalt(c) {
	atomic {
		if
		:: pending[c]
		:: else -> halt[c] = 2
		fi
	};
	halt[c] == 0
}
inline wakeUp(c) {
	atomic {
		fence(c);
		generation[c] = (generation[c] + 1) & 254; mem[ASLEEP(c)] = generation[c];
		pending[c] = 0
	}
}

#else

inline wakeUp(c) { clearAsleep(c); takePending(c) }

inline publishAsleep(c) {
#ifdef SAME_GENERATION
	atomic { generation[c] = 1; store(c, ASLEEP(c), generation[c]) };
#else
	atomic { generation[c] = (generation[c] + 1) | 1; store(c, ASLEEP(c), generation[c]) };
#endif
#ifndef DROP_SLEEPER_FENCE
	fence(c)
#else
	skip
#endif
}

inline clearAsleep(c) {
	atomic { generation[c] = (generation[c] + 1) & 254; store(c, ASLEEP(c), generation[c]) }
}

/*
 * gateHalt is the trap, the test of pending, STI and HLT. STI's shadow is not relied upon: an
 * interrupt may come when RIP is at the HLT, and the stub then steps over it.
 */
inline gateHalt(c) {
#ifndef GATE_WITH_IF
	masked[c] = 1; /* the UD2's gate clears IF */
#endif
	if
#ifndef HALT_WITHOUT_PENDING
	:: pending[c] -> masked[c] = 0
#endif
	:: else ->
		d_step { masked[c] = 0; halt[c] = 1 }; /* STI */
		if
		:: d_step { halt[c] == 1 -> halt[c] = 2 } /* HLT */
		:: halt[c] == 0                        /* stepped over */
		fi;
		halt[c] == 0
	fi
}

#endif

/* interrupt is doorbellVector and interruptCommon. A program that runs is diverted at once. */
inline interrupt(c) {
	d_step {
		mem[DOORBELL(c)] && !masked[c] ->
		mem[DOORBELL(c)] = 0;
		if
		:: driver[c] -> pending[c] = 1
		:: else
		fi;
#ifdef NO_STEP_OVER
		if
		:: halt[c] == 2 -> halt[c] = 0
		:: else
		fi
#else
		halt[c] = 0
#endif
	}
}

/* forget clears what a core that has stopped will not look at again: fewer states. */
inline forget(c) {
	driver[c] = 0; pending[c] = 0; masked[c] = 0; halt[c] = 0;
	fired[c] = 0; armed[WATCH(c, 0)] = 0; watched[WATCH(c, 0)] = 0; expected[WATCH(c, 0)] = 0;
	generation[c] = 0; rung[c] = 0
}

/* hardware is what a core's CPU does beside executing instructions. */
proctype hardware(byte core) {
end:
	do
	:: drain(core)
	:: interrupt(core)
	od
}
