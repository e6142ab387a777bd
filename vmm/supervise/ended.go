package supervise

import (
	"fmt"
	"time"
)

// Decision is what is to be done about an end.
type Decision struct {
	// Restart lists the cores that begin a new life, in the order of the tree. Those
	// among them that live are ended first, and none begins before all of them have
	// ended. Empty: the core is left alone.
	Restart []int
	// Stop lists cores that end with them and are not started again, because theirs is
	// the type Never.
	Stop []int
	// GiveUp ends all cores. Why says what happened too often.
	GiveUp bool
	Why    string
}

// Ended decides about a core whose life ended by itself: failed says that it crashed or
// that its program exited with a code that is not 0. A core that somebody stopped is
// not to be asked about. The times of one tree must not go back.
func (t *Tree) Ended(core int, failed bool, now time.Time) Decision {
	n := t.leaves[core]
	for n != nil && n.parent != nil {
		group := n.parent
		if n.Restart == Never || n.Restart == OnFailure && !failed {
			return Decision{}
		}
		if group.restarts(now) {
			return decide(n, group.from(n))
		}
		if group == t.root {
			return Decision{GiveUp: true, Why: fmt.Sprintf("core %d has ended again after %s within %v", core, times(group.Intensity.Restarts), group.Intensity.Within)}
		}
		n, failed = group, true // which may give its parent too much as well
	}
	return Decision{}
}

// decide restarts the nodes; cause is the one of them that ended.
func decide(cause *Node, nodes []*Node) (d Decision) {
	for _, n := range nodes {
		n.forget()
		for _, leaf := range n.cores() {
			if leaf.Restart == Never && leaf != cause {
				d.Stop = append(d.Stop, leaf.Core)
			} else {
				d.Restart = append(d.Restart, leaf.Core)
			}
		}
	}
	return d
}

// forget has the groups of a subtree that starts anew count from 0.
func (n *Node) forget() {
	n.times = nil
	for _, c := range n.Children {
		c.forget()
	}
}

// restarts counts one more restart, and reports whether the group may.
func (n *Node) restarts(now time.Time) bool {
	kept := n.times[:0]
	for _, at := range n.times {
		if now.Sub(at) <= n.Intensity.Within {
			kept = append(kept, at)
		}
	}
	n.times = kept
	if len(kept) >= n.Intensity.Restarts {
		return false
	}
	n.times = append(n.times, now)
	return true
}

func times(n int) string {
	if n == 1 {
		return "1 restart"
	}
	return fmt.Sprintf("%d restarts", n)
}
