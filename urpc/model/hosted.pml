/*
 * The idle loop of a hosted core (guest/hosted): a goroutine beside the one that sleeps, and a
 * doorbell that is an eventfd. The two may run on threads with a store buffer each: c and c + 2.
 * After idle.pml, of which the bell is used. The lock of the watches is what makes atomic of them.
 */

/* sleepHosted is watches.Sleep. */
inline sleepHosted(c, at0, old) {
	atomic { fence(c); armed[c] = 1; watched[c] = at0; expected[c] = old };
#ifndef DROP_LOOK_AFTER_ARM
	atomic {
		load(c, at0, found);
		if
		:: found != expected[c] -> fired[c] = 1
		:: else
		fi
	};
#endif
	fired[c];
	atomic { fence(c); armed[c] = 0; watched[c] = 0; expected[c] = 0; fired[c] = 0 }
}

/* lookHosted is watches.look. */
inline lookHosted(c) {
	atomic {
		fence(c + 2);
		saw = 0;
		if
		:: armed[c] ->
			load(c + 2, watched[c], found);
			if
			:: found != expected[c] ->
				fired[c] = 1; armed[c] = 0; watched[c] = 0; expected[c] = 0; saw = 1
			:: else
			fi
		:: else
		fi
	}
}

/* poll is Core.poll. The time of polling ends with any look that finds nothing. */
proctype poll(byte core) {
	bit saw;
	do
	::
		lookHosted(core);
		if
		:: saw
		:: else ->
			atomic {
				generation[core] = (generation[core] + 1) | 1;
				store(core + 2, ASLEEP(core), generation[core])
			};
			fence(core + 2); /* the look's lock would do, too */
#ifdef DROP_RECHECK
			saw = 0;
#else
			lookHosted(core);
#endif
			if
			:: saw
			:: else ->
end:
				d_step { mem[DOORBELL(core)] -> mem[DOORBELL(core)] = 0 }
			fi;
			saw = 0;
			atomic {
				generation[core] = (generation[core] + 1) & 254;
				store(core + 2, ASLEEP(core), generation[core])
			}
		fi
	od
}

/* buffers is what is left of hardware. */
proctype buffers(byte core) {
end:
	do
	:: drain(core)
	od
}
