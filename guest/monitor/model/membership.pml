/* Membership of three cores: the VMM's keeper, which fences the dead, publishes views and
 * lets cores join one at a time; and what a core does with a view. Any core may die at any
 * step and return, and see a view late or only the one after it.
 *
 * Core 1 also decides something once, in its first life, and records it: what it leaves
 * behind must be read by everybody it was meant for before its next life begins. How an
 * operation is agreed on is in agreement.pml, what a state holds in join.pml; here it has an
 * era, which changes only when nobody is left who holds it.
 *
 * INITIAL          the first members (a set of bits)
 * DEATHS, RETURNS  how many there are
 *
 * Mistakes:
 * UNFENCED         a core that lives is declared dead
 * PUBLISH_FIRST    the view is published before the core is fenced: it still runs for a while
 * ADMIT_EARLY      a core joins before all have settled the view of today
 * ADMIT_NEXT       a second one joins while the first has no state yet
 * FORMER_SETTLED   what a core had settled in its former life counts for the next
 * SKIP_FIRST       a joining core begins in the view of today, not in that which admitted it
 * WIPE_EARLY       a life begins before all have let go of the one before
 * BURY_NOT         a core that sees a view does not read what the departed left
 * NO_FLUSH         a sponsor sends the state before all holders have seen that somebody joins
 * NO_NEXT_SPONSOR  a sponsor of a later view sends no state
 * ANEW_TOO_SOON    a joining core begins anew when its sponsor dies, though others hold the state
 * SETTLE_WITHOUT   a core settles a view before it holds the state
 */

#ifndef INITIAL
#define INITIAL 7
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef RETURNS
#define RETURNS 1
#endif

#define NOBODY 3
#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)
#define LOWEST(set) (HAS(set, 0) -> 0 : (HAS(set, 1) -> 1 : (HAS(set, 2) -> 2 : NOBODY)))
#define HOLDERS(set, joins) ((joins) == NOBODY -> (set) : (set) & ~BIT(joins))

/* What the VMM publishes, and what its keeper knows. */
byte epoch = 1;
byte members = INITIAL;
byte joining = NOBODY;
byte joinEpoch;
byte admitted;   /* members of the view in which joining was admitted */
byte heard[3];   /* epoch that a core has settled, as far as the VMM has read */
bool wants[3];   /* it runs and waits to be admitted */
bool fenced[3];  /* it runs no more, and the VMM knows */
byte deaths, returns;

/* What each core knows. */
bool alive[3];
byte seen[3];     /* epoch of its view; 0: it is no member yet */
byte mem[3];      /* members of its view */
byte joins[3];    /* who joins in its view */
byte since[3];    /* epoch in which it joined */
bool holder[3];   /* it has the state */
byte era[3];
byte block[3];    /* what it says it has settled */
bool sent[3];     /* as sponsor of its view */
byte flushed[3];  /* the latest view of which it has told the sponsor that it has seen it */
byte snap[9];     /* state under way from core i to core j, at 3*i+j: the epoch in which it was sent */
byte snapEra[9];
bool snapHas[9];  /* whether it contains the decision */

/* The decision of core 1. */
bool decided;
bool rec;         /* in its own shared memory */
byte recTo, recEpoch;
byte told;        /* whom it has sent the decision */
bool has[3];      /* the decision has taken effect */
byte owed;        /* who must get it: who it is for, and has not died */

byte eras = 1;

inline same() {
	assert(!alive[0] || !alive[1] || !holder[0] || !holder[1] || era[0] == era[1]);
	assert(!alive[0] || !alive[2] || !holder[0] || !holder[2] || era[0] == era[2]);
	assert(!alive[1] || !alive[2] || !holder[1] || !holder[2] || era[1] == era[2])
}

/* anew begins a state where nobody is left who has one. */
inline anew() {
	assert(!(alive[0] && holder[0]) && !(alive[1] && holder[1]) && !(alive[2] && holder[2]));
	eras++;
	era[me] = eras;
	holder[me] = true
}

inline start() {
	if
	:: joining == me ->
		since[me] = joinEpoch;
		joins[me] = me;
#ifdef SKIP_FIRST
		seen[me] = epoch;
		mem[me] = members
#else
		seen[me] = joinEpoch;
		mem[me] = admitted
#endif
	:: else -> /* a member from the first view on */
		assert(HAS(INITIAL, me));
		seen[me] = 1;
		flushed[me] = 1;
		mem[me] = INITIAL;
		joins[me] = NOBODY;
		holder[me] = true;
		era[me] = 1
	fi;
	if
	:: !holder[me] && HOLDERS(mem[me], me) == 0 -> anew()
	:: else
	fi
}

/* look takes the view of today. */
inline look() {
#ifndef BURY_NOT
	if
	:: HAS(mem[me], 1) && !HAS(members, 1) && rec && HAS(recTo, me) && recEpoch >= since[me] -> has[me] = true
	:: else
	fi;
#endif
	if :: !HAS(members, 0) -> snap[me] = 0 :: else fi;
	if :: !HAS(members, 1) -> snap[3 + me] = 0 :: else fi;
	if :: !HAS(members, 2) -> snap[6 + me] = 0 :: else fi;
#ifdef ANEW_TOO_SOON
	if
	:: !holder[me] && !HAS(members, LOWEST(HOLDERS(mem[me], me))) -> anew()
	:: else
	fi;
#endif
	mem[me] = members;
	joins[me] = joining;
	seen[me] = epoch;
	flushed[me] = epoch;
	sent[me] = false;
	if
	:: !holder[me] && joining == me && HOLDERS(members, me) == 0 -> anew()
	:: else
	fi
}

inline install(from) {
	holder[me] = true;
	era[me] = snapEra[3 * from + me];
	has[me] = has[me] || snapHas[3 * from + me];
	snap[3 * from + me] = 0;
	same()
}

#define ARRIVED(from) (!holder[me] && HAS(mem[me], from) && snap[3 * from + me] != 0 && snap[3 * from + me] <= seen[me])

#ifdef NO_NEXT_SPONSOR
#define SENDS (seen[me] == joinEpoch)
#else
#define SENDS true
#endif

#ifdef NO_FLUSH
#define FLUSHED(i) true
#else
#define FLUSHED(i) (!HAS(HOLDERS(mem[me], joins[me]), i) || flushed[i] == seen[me])
#endif

proctype Core(byte me) {
end:	do
	:: atomic { alive[me] && HAS(members, me) && seen[me] == 0 -> start() }
	:: atomic { alive[me] && seen[me] != 0 && seen[me] < epoch && HAS(members, me) -> look() }
	:: atomic { alive[me] && holder[me] && joins[me] != NOBODY && joins[me] != me && !sent[me] && SENDS && LOWEST(HOLDERS(mem[me], joins[me])) == me && FLUSHED(0) && FLUSHED(1) && FLUSHED(2) ->
		sent[me] = true;
		snap[3 * me + joins[me]] = seen[me];
		snapEra[3 * me + joins[me]] = era[me];
		snapHas[3 * me + joins[me]] = has[me]
	}
	:: atomic { alive[me] && ARRIVED(0) -> install(0) }
	:: atomic { alive[me] && ARRIVED(1) -> install(1) }
	:: atomic { alive[me] && ARRIVED(2) -> install(2) }
#ifdef SETTLE_WITHOUT
	:: alive[me] && seen[me] != 0 && block[me] != seen[me] -> block[me] = seen[me]
#else
	:: alive[me] && holder[me] && block[me] != seen[me] -> block[me] = seen[me]
#endif

	/* core 1 decides, and tells the others one by one */
	:: atomic { me == 1 && alive[1] && holder[1] && !decided ->
		decided = true;
		rec = true;
		recTo = mem[1] & ~2;
		recEpoch = seen[1];
		has[1] = true;
		owed = recTo & ((alive[0] -> 1 : 0) | (alive[2] -> 4 : 0))
	}
	:: me == 1 && alive[1] && rec && HAS(recTo & ~told, 0) -> told = told | 1
	:: me == 1 && alive[1] && rec && HAS(recTo & ~told, 2) -> told = told | 4
	:: me != 1 && alive[me] && HAS(told, me) && !has[me] && HAS(mem[me], 1) -> has[me] = true
	:: me == 1 && alive[1] && rec && (!HAS(recTo & mem[1], 0) || has[0]) && (!HAS(recTo & mem[1], 2) || has[2]) -> rec = false; recTo = 0; recEpoch = 0
	od
}

inline die(i) {
	alive[i] = false;
	owed = owed & ~BIT(i);
	told = told & ~BIT(i);
	snap[i] = 0; snap[3 + i] = 0; snap[6 + i] = 0;
	seen[i] = 0; mem[i] = 0; since[i] = 0; joins[i] = NOBODY; /* nobody asks any more */
	holder[i] = false; era[i] = 0; sent[i] = false; has[i] = false
}

/* Fate kills cores, whenever it likes, or does not. */
proctype Fate() {
	byte i;
end:	do
	:: deaths < DEATHS ->
		i = 0;
		do
		:: i < 2 -> i++
		:: break
		od;
		atomic {
			if
			:: alive[i] -> deaths++; die(i)
			:: else
			fi
		}
	:: break
	od
}

/* leave is a view without core i, which was fenced. */
inline leave(i) {
	fenced[i] = true;
	wants[i] = false;
	members = members & ~BIT(i);
	block[i] = 0;
	flushed[i] = 0;
	epoch++;
	if
	:: joining == i -> joining = NOBODY
	:: joining != i && joining != NOBODY -> if :: heard[joining] != 0 -> joining = NOBODY :: else fi
	:: else
	fi;
#ifndef FORMER_SETTLED
	heard[i] = 0;
#endif
	if :: joining == NOBODY -> joinEpoch = 0; admitted = 0 :: else fi
}

inline admit(i) {
	wants[i] = false;
	assert((members & BIT(0)) == 0 || !alive[0] || holder[0]); /* at most one lacks the state */
	assert((members & BIT(1)) == 0 || !alive[1] || holder[1]);
	assert((members & BIT(2)) == 0 || !alive[2] || holder[2]);
	epoch++;
	members = members | BIT(i);
	joining = i;
	joinEpoch = epoch;
	admitted = members;
#ifndef FORMER_SETTLED
	heard[i] = 0
#endif
}

/* begin is the next life of core i: what it shares is wiped. */
inline begin(i) {
	returns++;
	if :: i == 1 -> assert(!rec || (has[0] || !HAS(owed, 0)) && (has[2] || !HAS(owed, 2))); rec = false; told = 0 :: else fi;
	fenced[i] = false;
	snap[3 * i] = 0; snap[3 * i + 1] = 0; snap[3 * i + 2] = 0;
	alive[i] = true;
	wants[i] = true
}

#if defined(UNFENCED) || defined(PUBLISH_FIRST)
#define DEAD(i) (deaths < DEATHS)
#else
#define DEAD(i) (!alive[i])
#endif

#ifdef ADMIT_EARLY
#define SETTLED(i) true
#elif defined(ADMIT_NEXT)
#define SETTLED(i) (!HAS(members, i) || heard[i] == epoch || joining == i)
#else
#define SETTLED(i) (!HAS(members, i) || heard[i] == epoch)
#endif
#define MAY_ADMIT(i) (wants[i] && SETTLED(0) && SETTLED(1) && SETTLED(2))

#ifdef WIPE_EARLY
#define LET(k, i) true
#else
#define LET(k, i) (!alive[k] || !HAS(members, k) || seen[k] != 0 && !HAS(mem[k], i))
#endif
#define MAY_BEGIN(i, j, k) (returns < RETURNS && fenced[i] && !alive[i] && !wants[i] && LET(j, i) && LET(k, i))

proctype VMM() {
end:	do
#ifdef PUBLISH_FIRST
	:: atomic { fenced[0] && alive[0] -> die(0) }
	:: atomic { fenced[1] && alive[1] -> die(1) }
	:: atomic { fenced[2] && alive[2] -> die(2) }
#endif
	:: atomic { DEAD(0) && HAS(members, 0) -> leave(0) }
	:: atomic { DEAD(1) && HAS(members, 1) -> leave(1) }
	:: atomic { DEAD(2) && HAS(members, 2) -> leave(2) }
	:: atomic { !alive[0] && wants[0] && !HAS(members, 0) -> wants[0] = false; fenced[0] = true }
	:: atomic { !alive[1] && wants[1] && !HAS(members, 1) -> wants[1] = false; fenced[1] = true }
	:: atomic { !alive[2] && wants[2] && !HAS(members, 2) -> wants[2] = false; fenced[2] = true }
	:: HAS(members, 0) && heard[0] < block[0] -> heard[0] = block[0]
	:: HAS(members, 1) && heard[1] < block[1] -> heard[1] = block[1]
	:: HAS(members, 2) && heard[2] < block[2] -> heard[2] = block[2]
	:: atomic { MAY_ADMIT(0) -> admit(0) }
	:: atomic { MAY_ADMIT(1) -> admit(1) }
	:: atomic { MAY_ADMIT(2) -> admit(2) }
	:: atomic { MAY_BEGIN(0, 1, 2) -> begin(0) }
	:: atomic { MAY_BEGIN(1, 0, 2) -> begin(1) }
	:: atomic { MAY_BEGIN(2, 0, 1) -> begin(2) }
	od
}

#define FINE(i) (!alive[i] || HAS(members, i) && holder[i] && seen[i] == epoch && heard[i] == epoch)

/* Judge looks once nothing moves any more. */
proctype Judge() {
	atomic {
		timeout;
		assert(FINE(0) && FINE(1) && FINE(2)); /* who lives is a member, and has the state */
		assert(!HAS(owed, 0) || has[0]);       /* what was decided has reached whom it was for */
		assert(!HAS(owed, 2) || has[2]);
		same()
	}
}

init {
	atomic {
		fenced[0] = !HAS(INITIAL, 0);
		fenced[1] = !HAS(INITIAL, 1);
		fenced[2] = !HAS(INITIAL, 2);
		alive[0] = HAS(INITIAL, 0);
		alive[1] = HAS(INITIAL, 1);
		alive[2] = HAS(INITIAL, 2);
		joins[0] = NOBODY;
		joins[1] = NOBODY;
		joins[2] = NOBODY;
		run Core(0);
		run Core(1);
		run Core(2);
		run Fate();
		run VMM();
		run Judge()
	}
}
