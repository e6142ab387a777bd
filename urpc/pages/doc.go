// Package pages hands over memory between two cores without copying it. The
// cores of a pair share a pool of 4 KiB pages; each page belongs to exactly one
// core at a time, and only a message over a channel of the pair changes that.
// Who owns what is kept privately by each end: nothing about it is shared.
//
//	p, err := pool.Take(ctx, 64<<10)   // a run of consecutive pages
//	fill(p.Bytes())
//	err = pool.Give(ctx, p, tag)       // now they are the peer's
//
//	p, tag, err := pool.Receive(ctx)   // at the peer
//	use(p.Bytes())
//	p.Release()                        // they go home, to be taken again
//
// A core that owns pages of its pool with one core may lend them to a third one:
// Grant, and there Accept.
//
// Limits: a run is at most half a pool. Any number of goroutines may use a Pool
// and the runs that come from it; a single run is used by one at a time, as any
// memory is. A peer that is hostile or dead can spoil what it was given and end
// this pool, but no page becomes anybody's by a message that its owner did not
// send. That only the owner has its pages mapped is checked in the debug mode
// (Config.Protect) and by nothing else so far.
//
// Format, ownership argument and errors are in docs/reference/pages.md.
package pages
