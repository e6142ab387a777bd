package monitor

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/urpc"
)

// kernel is a multikernel in one process: monitors, and what the VMM does for them. A core
// that is killed goes on computing, but nothing that it does is seen any more.
type kernel struct {
	t    *testing.T
	tree routes.Tree
	mu   sync.Mutex

	changed *sync.Cond // with epoch
	epoch   uint64     // region.Header.Epoch
	keeper  *membership.Keeper
	cores   []*testCore // the latest life of each
	pipes   map[[2]int]*line
	ending  bool
	ram     caps.Extent // that the cores share
	trusted bool        // nothing is checked after each change
	maps    mappings
}

// testCore is one life of a core.
type testCore struct {
	*Monitor
	k       *kernel
	core    int
	life    uint64
	dead    bool
	settled []uint64 // by core: the life of it that this core has let go of
	records [agreement.Window][agreement.RecordWords]uint64
}

func newKernel(t *testing.T, n int) *kernel { return newKernelOver(t, n, routes.Tree{}) }

func newKernelOver(t *testing.T, n int, tree routes.Tree) *kernel {
	return (&kernel{t: t, tree: tree, ram: sharedRAM}).start(n)
}

// start starts n cores.
func (k *kernel) start(n int) *kernel {
	t := k.t
	k.keeper, k.cores, k.pipes = membership.NewKeeper(n), make([]*testCore, n), map[[2]int]*line{}
	k.changed = sync.NewCond(&k.mu)
	t.Cleanup(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.ending = true
		k.changed.Broadcast()
		for _, l := range k.pipes {
			l.end()
		}
	})
	for i := range n {
		k.begin(i, 1)
	}
	for _, c := range k.cores {
		c.start()
	}
	return k
}

// begin announces a life of a core.
func (k *kernel) begin(i int, life uint64) *testCore {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := &testCore{k: k, core: i, life: life, settled: make([]uint64, len(k.cores))}
	k.cores[i] = c
	for j := range k.cores {
		k.pipes[[2]int{i, j}] = newLine(64)
		k.pipes[[2]int{j, i}] = newLine(64)
	}
	k.keeper.Returned(i)
	k.tell()
	return c
}

// start runs its monitor.
func (c *testCore) start() {
	m, err := Start(Config{
		Core: c.core, Life: c.life, Geometry: region.Geometry{Cores: len(c.k.cores), PoolPages: 64}, Memory: memory{},
		Ends: c, Shared: c, Tree: c.k.tree, Hellos: new(atomic.Uint64), Request: new(uint64), Sleeper: c,
		SharedRAM: c.k.ram, CheckCaps: !c.k.trusted, Unmap: func(o caps.ObjectID, _ caps.Extent, by int) { c.k.maps.unmap(c, o, by) },
		Polls: func() int { return c.core % 2 * 500 }, // some sleep at once
	})
	if err != nil {
		c.k.t.Error(err)
	}
	c.Monitor = m
}

// tell says that something has changed, with mu held.
func (k *kernel) tell() {
	atomic.AddUint64(&k.epoch, 1)
	k.changed.Broadcast()
}

// kill fences a core and publishes that.
func (k *kernel) kill(i int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cores[i].dead = true
	k.maps.fence(k.cores[i])
	for j := range k.cores {
		k.pipes[[2]int{i, j}].end()
		k.pipes[[2]int{j, i}].end()
	}
	k.keeper.Died(i)
	k.tell()
}

// restart begins the next life of a dead core, once all others have let go of the last.
func (k *kernel) restart(i int) *testCore {
	k.mu.Lock()
	last := k.cores[i].life
	for j := 0; j < len(k.cores); {
		if c := k.cores[j]; j == i || c.dead || c.settled[i] >= last {
			j++
			continue
		}
		k.changed.Wait()
	}
	k.mu.Unlock()
	c := k.begin(i, last+1)
	c.start()
	return c
}

// Sleep implements urpc.Sleeper.
func (c *testCore) Sleep(_ context.Context, word *uint64, old uint64) error {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	for atomic.LoadUint64(word) == old {
		if c.dead || c.k.ending {
			return urpc.ErrClosed
		}
		c.k.changed.Wait()
	}
	return nil
}

func (c *testCore) Word() *uint64 { return &c.k.epoch }

func (c *testCore) Look(peer int) (life, over uint64, met bool) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	p := c.k.cores[peer]
	switch {
	case p == nil:
		return 0, region.OverNot, false
	case p.dead:
		return p.life, region.OverBuried, false
	}
	return p.life, region.OverNot, true
}

func (c *testCore) Open(int, uint64) {}

func (c *testCore) Connect(peer int) (Channel, error) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	if c.dead { // it is fenced: what it still does nobody sees
		nowhere := newLine(0)
		nowhere.end()
		return channelOf(nowhere, nowhere), nil
	}
	return channelOf(c.k.pipes[[2]int{c.core, peer}], c.k.pipes[[2]int{peer, c.core}]), nil
}

func (c *testCore) Close(int, []Opened) {}

func (c *testCore) Settle(peer int, life uint64) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	c.settled[peer] = life
	c.k.changed.Broadcast()
}

func (c *testCore) Members() (now, first membership.View) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	p := c.k.keeper.Published()
	return p.View, p.First(c.core)
}

func (c *testCore) Record(place int, r *agreement.Record) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	if !c.dead {
		r.Store(&c.records[place])
	}
}

func (c *testCore) Records(core int) (list [agreement.Window]agreement.Record) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	for i := range list {
		list[i] = agreement.LoadRecord(&c.k.cores[core].records[i])
	}
	return list
}

func (c *testCore) Settled(epoch uint64) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	if !c.dead && c.k.keeper.Settled(c.core, epoch) {
		c.k.tell()
	}
}

// patience is how long nothing in these tests takes.
const patience = 60 * time.Second
