// Package caps is a core's capabilities: names of memory and of other things that a
// program may use, each derived from one with more in it (§4.7 of the paper). A Space
// holds them and knows which came from which, so that what was given away can be
// taken back.
//
// A program holds a Ref. Behind it are a Cap (what it names, and with which rights)
// and the object that all copies of the Cap share. The tree of objects replaces
// the mapping database of the paper: retyping puts new objects below the one that they
// were cut from, and no two objects overlap unless one lies below the other.
//
// Limits: one core; capabilities that cross cores, and the agreement this takes, come
// on top. A Space is no Go memory of the things it names, has one owner, and keeps no
// time: it is a state machine, as all that monitors agree on. docs/reference/caps.md
// has the table of types and what each operation may refuse.
package caps
