// Package ledger is the part of the capabilities that all cores know alike: the memory
// that the cores share, cut into entries, and which core holds which entry with which
// rights (§4.7 of the paper). It is a state of package agreement. What never left a core
// is in that core's caps.Space only, and costs no message.
//
// A core enters the ledger once in its life; then it takes memory of the area, gives
// others a capability to it (Send, Share, Move), cuts it where several hold it (Retype),
// takes back what was derived (Revoke), and lets go (Drop, Give), of a part too (Part). A core
// that finds no memory asks the others for what they keep and do not use (Recall, Yield). Every method that makes
// such an operation says at once what this core's replica would refuse, and why.
//
// An entry is there as long as some core holds it. When its last holder lets go, or dies,
// what was cut from it belongs to what it was cut from itself, and the rest is free there.
// So the tree after several such ends is the same in whatever order they come.
//
// Endpoints are in it too, by number: the right to open a channel to whoever made one.
//
// Limits: memory (RAM, Frames, VNodes) of one area, and endpoints. A Ledger keeps no time, waits
// for nothing, and does not touch the memory. docs/reference/caps.md has every operation,
// what it refuses, and what holds whoever dies.
package ledger
