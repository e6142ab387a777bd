// Package model holds Promela models of urpc, which spin searches exhaustively for
// small rings: every interleaving of every step, store buffers included. There is
// no Go code but the test, which also proves that the models are worth something:
// each mutation of one (a fence left out, two stores exchanged ...) must make spin
// find a counterexample.
//
//	tso.pml    memory and store buffers of x86
//	idle.pml   bell, asleep word, watches, idle loop, halt, doorbell interrupt
//	hosted.pml the idle loop of a core without KVM
//	ring.pml   lines, sequence numbers, acknowledgements
//	wake.pml   sleeping for want of messages and for want of room
//	bell.pml   two senders that share a Bell, two watches
//	close.pml  close of either end, and death of either core, of a ring
//	broadcast.pml a ring with two readers: wake-up, close and death
//	bulk.pml   the bulk ring: index, acknowledgements, wake-up, close and death
//	call.pml   the call line: wake-up, close and death
//
// steps.txt says which line of the program each step stands for; a test finds those
// lines, so that who changes one of them is sent here. docs/reference/urpc.md, section
// "Model", has the results.
package model
