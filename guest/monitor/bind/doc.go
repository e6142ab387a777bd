// Package bind is the protocol by which two monitors open and close a channel
// between their programs: a pure state machine, without I/O, clock or goroutines.
//
//	dialer                          answerer
//	  own side zeroed, in directory
//	  request(service, side)    ->
//	                                  own side zeroed, in directory
//	                            <-  accept(side), or refuse(reason)
//	  ... the programs use the channel ...
//	  done                      ->    this core touches the other's side no more
//	                            <-  done
//
// A side's pages go back to their core's pool once both have said done, or the peer
// is dead: no core ever writes over what the other may still read. A dialer that gives
// up says done without waiting for its answer, which comes all the same. Each request
// gets exactly one answer, each accepted one ends in one done from each core; messages
// between two monitors keep their order, so that nothing of a channel is under way
// when its place in a directory is taken anew.
//
// What the peer says is checked. One that says what no machine says is not listened to
// any more (ErrProtocol): channels that are open stay, those being opened fail, and what
// it may still touch is lost to the pool of this pair.
//
// docs/reference/binding.md has the messages.
package bind
