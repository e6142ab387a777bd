/* One operation of package agreement: core 0 coordinates, all others take part, and any
 * of them may die at any step, the coordinator too. Each line of a process is a step.
 *
 * ONE_PHASE            what commutes: it is applied, nobody is asked
 * CORES, DEATHS        how many there are, and how many die
 *
 * Mistakes:
 * RECORD_NEVER         core 0 records nothing
 * RECORD_LATE          it records its decision after it has told others
 * ERASE_EARLY          it erases it before all have answered
 * COMMIT_UNASKED       it decides before all have voted
 * RECORD_UNREAD        nobody reads what a dead core recorded
 * UNFENCED             a core that lives is declared dead
 * WIPE_EARLY           what the dead recorded is wiped before all have read it
 * HEAR_THE_DEAD        what a dead core had sent is heard after it was settled
 * WAIT_FOR_THE_DEAD    core 0 waits for answers of cores that have died
 */

#ifndef CORES
#define CORES 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

mtype = { none, prepared, refused, committed, aborted }; /* states of the operation */
mtype = { ask, yes, no, apply, done };                   /* messages */

mtype state[CORES] = none;
bool alive[CORES] = true;
bool member[CORES] = true;  /* in the view that the VMM published last */
bool settled[CORES];        /* core i has settled that core 0 is gone */
bool record;                /* of core 0, in its own shared memory */
mtype told = none;          /* what the program of core 0 was told */
byte deaths;

chan down[CORES] = [4] of { mtype }; /* core 0 to core i */
chan up[CORES] = [4] of { mtype };   /* and back */

#define ALL ((1 << CORES) - 2)
#define HAS(set, i) ((set >> i) & 1)

#if CORES == 2
#define LET_GO (settled[1] || !alive[1])
#elif CORES == 3
#define LET_GO ((settled[1] || !alive[1]) && (settled[2] || !alive[2]))
#else
#define LET_GO ((settled[1] || !alive[1]) && (settled[2] || !alive[2]) && (settled[3] || !alive[3]))
#endif

inline tell(what) {
	i = 1;
	do
	:: i < CORES -> if :: member[i] -> down[i]!what :: else fi; i++
	:: else -> break
	od
}

/* await returns when nobody owes an answer; a no ends it where votes are counted. An answer
 * of another phase counts for nothing: it is of a core that had died when that ended. */
#define ANSWERS(i) \
	:: up[i]?[yes] -> up[i]?yes; if :: voting -> waits = waits & ~(1 << i) :: else fi \
	:: up[i]?[no] -> up[i]?no; if :: voting && HAS(waits, i) -> refusal = true; break :: else fi \
	:: up[i]?[done] -> up[i]?done; if :: !voting -> waits = waits & ~(1 << i) :: else fi
#ifdef WAIT_FOR_THE_DEAD
#define GONE(i)
#else
#define GONE(i) :: HAS(waits, i) && !member[i] -> waits = waits & ~(1 << i)
#endif

inline await() {
	waits = ALL;
	do
	:: waits == 0 -> break
	ANSWERS(1)
	GONE(1)
#if CORES > 2
	ANSWERS(2)
	GONE(2)
#endif
#if CORES > 3
	ANSWERS(3)
	GONE(3)
#endif
	od
}

/* What is decided takes effect at the coordinator before the others are told, or a little
 * later (State.Late). */
inline decide(what) {
	if
	:: state[0] = committed; tell(what)
	:: tell(what); state[0] = committed
	fi
}

proctype Coordinator() {
	byte i, waits;
	bool refusal, voting;
	{
#ifdef ONE_PHASE
#ifndef RECORD_NEVER
		record = true;
#endif
		decide(apply);
#else
		state[0] = prepared;
		tell(ask);
#ifndef COMMIT_UNASKED
		voting = true;
		await();
		voting = false;
#endif
		if
		:: refusal ->
			tell(no);
			state[0] = aborted;
			told = refused;
			goto over
		:: else
		fi;
#if !defined(RECORD_NEVER) && !defined(RECORD_LATE)
		record = true;
#endif
		decide(yes);
#ifdef RECORD_LATE
		record = true;
#endif
#endif
#ifdef ERASE_EARLY
		record = false;
#endif
		await();
		record = false;
		told = committed;
over:		skip
	} unless { !alive[0] }
}

proctype Participant(byte me) {
	{
end:	do
#ifdef HEAR_THE_DEAD
	:: down[me]?ask ->
#else
	:: !settled[me] && down[me]?[ask] -> down[me]?ask;
#endif
		if
		:: state[me] = prepared; up[me]!yes
		:: state[me] = refused; up[me]!no
		fi
	:: !settled[me] && down[me]?[yes] ->
		down[me]?yes;
		assert(state[me] == prepared);
		state[me] = committed;
		up[me]!done
	:: !settled[me] && down[me]?[no] ->
		down[me]?no;
		state[me] = aborted
	:: !settled[me] && down[me]?[apply] ->
		down[me]?apply;
		assert(state[me] != committed);
		state[me] = committed;
		up[me]!done
	:: !settled[me] && !member[0] ->
#ifdef RECORD_UNREAD
		if :: state[me] == prepared -> state[me] = aborted :: else fi;
#else
		if
#ifdef ONE_PHASE
		:: record -> state[me] = committed
#else
		:: record && state[me] == prepared -> state[me] = committed
#endif
		:: !record && state[me] == prepared -> state[me] = aborted
		:: else
		fi;
#endif
		settled[me] = true
	od
	} unless { !alive[me] }
}

/* Fate kills cores, whenever it likes, or does not. */
proctype Fate() {
	byte i;
end:	do
	:: deaths < DEATHS ->
		i = 0;
		do
		:: i < CORES - 1 -> i++
		:: break
		od;
		if
		:: alive[i] -> atomic { alive[i] = false; deaths++ }
		:: else
		fi
	:: break
	od
}

/* VMM publishes the end of cores that run no more, and gives their memory to their next
 * lives once everybody who lives has let go of it. */
proctype VMM() {
end:	do
#ifdef UNFENCED
	:: member[0] -> member[0] = false
#else
	:: !alive[0] && member[0] -> member[0] = false
#endif
	:: !alive[1] && member[1] -> member[1] = false
#if CORES > 2
	:: !alive[2] && member[2] -> member[2] = false
#endif
#if CORES > 3
	:: !alive[3] && member[3] -> member[3] = false
#endif
#ifdef WIPE_EARLY
	:: !member[0] && record -> record = false
#else
	:: atomic { !member[0] && record && LET_GO -> record = false }
#endif
	od
}

/* Judge looks once nothing moves any more. */
proctype Judge() {
	byte i, has, hasnot;
	atomic {
		timeout;
		i = 0;
		do
		:: i < CORES ->
			if
			:: alive[i] && state[i] == committed -> has++
			:: alive[i] && state[i] != committed -> hasnot++
			:: else
			fi;
			assert(!(alive[i] && state[i] == prepared)); /* nothing is prepared for ever */
			i++
		:: else -> break
		od;
		assert(has == 0 || hasnot == 0);        /* everywhere, or nowhere */
		assert(told != committed || hasnot == 0); /* what was told is so */
		assert(told != refused || has == 0);
		assert(!alive[0] || told != none);      /* the program is answered */
		assert(!record)
	}
}

init {
	atomic {
		run Coordinator();
		run Participant(1);
#if CORES > 2
		run Participant(2);
#endif
#if CORES > 3
		run Participant(3);
#endif
		run Fate();
		run VMM();
		run Judge()
	}
}
