/*
 * x86-TSO, as urpc assumes it. Each core has a FIFO store buffer: a store enters it, leaves it for
 * memory at any later time, and a load takes the newest value that its own buffer holds for the
 * word, else memory's. A fence waits until the own buffer is empty; so does a locked instruction.
 * Promela alone is sequentially consistent and would prove protocols right that lose wake-ups.
 *
 * A model defines CORES (who has a buffer), WORDS (of shared memory) and DEPTH (stores a buffer
 * holds; one more waits). SEQUENTIAL takes the buffers away: the test uses it to show what they find.
 */

byte mem[WORDS];

typedef Buffer {
	byte word[DEPTH];
	byte value[DEPTH];
	byte n
};
Buffer buffer[CORES];

hidden byte scan; /* no part of the state */

inline store(me, at, val) {
#ifdef SEQUENTIAL
	mem[at] = val
#else
	d_step {
		buffer[me].n < DEPTH ->
		buffer[me].word[buffer[me].n] = at;
		buffer[me].value[buffer[me].n] = val;
		buffer[me].n++
	}
#endif
}

/* load sets reg, a variable that at does not mention. */
inline load(me, at, reg) {
	d_step {
		reg = mem[at];
		scan = 0;
		do
		:: scan < buffer[me].n ->
			if
			:: buffer[me].word[scan] == (at) -> reg = buffer[me].value[scan]
			:: else
			fi;
			scan++
		:: else -> break
		od
	}
}

/* fence is also the first half of a locked instruction. */
inline fence(me) { buffer[me].n == 0 }

/* drain lets the oldest store of a buffer reach memory. */
inline drain(me) {
	d_step {
		buffer[me].n > 0 ->
		mem[buffer[me].word[0]] = buffer[me].value[0];
		buffer[me].n--;
		scan = 0;
		do
		:: scan < buffer[me].n ->
			buffer[me].word[scan] = buffer[me].word[scan + 1];
			buffer[me].value[scan] = buffer[me].value[scan + 1];
			scan++
		:: else -> break
		od;
		buffer[me].word[scan] = 0;
		buffer[me].value[scan] = 0
	}
}
