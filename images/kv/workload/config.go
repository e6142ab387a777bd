// Package workload is what clients ask of a key-value store, how its answers are
// checked, and how what was measured is written down. It is the same for the
// multikernel's store and for those in one process that it is compared with.
package workload

import (
	"flag"
	"fmt"
	"time"

	"barreleye/images/kv/store"
)

// Config says what clients do.
type Config struct {
	Operations int           // measured, of all clients together; not counted if For is set
	For        time.Duration // how long to measure, 0 for a number of operations
	Keys       int           // of each client: no two clients share one
	ValueBytes int           // 1 to store.MaxValue
	Reads      int           // percent
	Deletes    int           // percent; the rest are puts
	Zipf       float64       // above 1: key k is asked for in proportion to (k+1)^-Zipf; 0: all alike
	Seed       uint64
}

// Flags defines the flags of a configuration, whose values are the defaults.
func (c *Config) Flags(f *flag.FlagSet) {
	f.IntVar(&c.Operations, "n", 1_000_000, "operations to measure, of all clients together")
	f.DurationVar(&c.For, "for", 0, "measure for this long instead of -n operations")
	f.IntVar(&c.Keys, "keys", 20_000, "keys of each client")
	f.IntVar(&c.ValueBytes, "value", store.MaxValue, "bytes of a value")
	f.IntVar(&c.Reads, "reads", 90, "percent of the operations that are gets")
	f.IntVar(&c.Deletes, "deletes", 1, "percent that are deletes; the others are puts")
	f.Float64Var(&c.Zipf, "zipf", 0, "skew of the keys, above 1; 0 asks for all alike")
	f.Uint64Var(&c.Seed, "seed", 1, "seed of the operations")
}

// maxKeys keeps a client's model and a store within a core's memory.
const maxKeys = 10_000_000

// Check reports what no client can do.
func (c *Config) Check() error {
	switch {
	case c.For < 0 || c.For == 0 && c.Operations < 1:
		return fmt.Errorf("-n %d, -for %v: nothing to measure: use -n 1 or more, or -for 1s", c.Operations, c.For)
	case c.Keys < 1 || c.Keys > maxKeys:
		return fmt.Errorf("-keys %d: use 1 to %d", c.Keys, maxKeys)
	case c.ValueBytes < 1 || c.ValueBytes > store.MaxValue:
		return fmt.Errorf("-value %d: a value lies in its message: use 1 to %d bytes", c.ValueBytes, store.MaxValue)
	case c.Reads < 0 || c.Deletes < 0 || c.Reads+c.Deletes > 100:
		return fmt.Errorf("-reads %d -deletes %d: use percentages that make 100 at most together", c.Reads, c.Deletes)
	case c.Zipf != 0 && !(c.Zipf > 1 && c.Zipf <= 10):
		return fmt.Errorf("-zipf %v: use 0, or a skew above 1 and up to 10", c.Zipf)
	}
	return nil
}

// String is the configuration in a few words.
func (c *Config) String() string {
	keys := "all alike"
	if c.Zipf != 0 {
		keys = fmt.Sprintf("zipf %v", c.Zipf)
	}
	return fmt.Sprintf("%d keys per client (%s), values of %d bytes, %d%% gets, %d%% deletes, seed %d",
		c.Keys, keys, c.ValueBytes, c.Reads, c.Deletes, c.Seed)
}

// Share is how many of all operations client i of n measures.
func (c *Config) Share(i, n int) int { return (c.Operations + n - 1 - i) / n }
