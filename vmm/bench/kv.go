package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"barreleye/images/kv/workload"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// kvKeys is the number of keys in each store, whoever the clients are that they
// belong to.
const kvKeys = 40_000

// kvStore is one of the stores that are compared. Each runs on as many CPUs as
// the shape has cores.
type kvStore struct {
	name     string
	inflight int    // of the multikernel's
	lock     string // of a process's; empty for the multikernel's
	alone    bool   // on one CPU, whatever the shape
}

var kvStores = []kvStore{
	{name: "kv, 16 under way", inflight: 16},
	{name: "kv, 1 under way", inflight: 1},
	{name: "process, Mutex", lock: "mutex"},
	{name: "process, RWMutex", lock: "rwmutex"},
	{name: "process, 64 Mutexes", lock: "striped"},
	{name: "process, Mutex, 1 CPU", lock: "mutex", alone: true},
}

// Where the stores that the rows are about stand in kvStores.
const (
	kvMany  = 0
	kvOne   = 1
	kvMutex = 2
)

// KVRow is what one store did on a number of cores: medians of the rounds.
type KVRow struct {
	Cores     int     `json:"cores"`
	Store     string  `json:"store"`
	PerSecond float64 `json:"operations_per_second"`
	P50       float64 `json:"p50_ns"`
	P99       float64 `json:"p99_ns"`
	P999      float64 `json:"p99.9_ns"`
	Rounds    int     `json:"rounds"`
}

// KV compares the image kv, half of whose cores are shards and half clients, with
// one process in which as many goroutines as there are cores are the clients of
// one map under a lock: the same clients, keys and map, in turns.
func KV(o Options) (*Report, error) {
	r := o.newReport()
	im, err := builtinImage("kv")
	if err != nil {
		return r, err
	}
	shapes := []int{2, 4}
	if n := min(runtime.NumCPU(), 16); n > 4 {
		shapes = append(shapes, n)
	}
	length := 300 * time.Millisecond
	if o.Quick {
		length /= 3
	}
	for _, cores := range shapes {
		stores := kvStores
		if cores != shapes[0] {
			stores = slices.DeleteFunc(slices.Clone(stores), func(s kvStore) bool { return s.alone })
		}
		if err := r.kvShape(o, im, cores, stores, o.rounds(11), length); err != nil {
			return r, err
		}
	}
	return r, nil
}

// kvShape adds the rows of one number of cores.
func (r *Report) kvShape(o Options, im *image.Image, cores int, stores []kvStore, rounds int, length time.Duration) error {
	runs := make([][]workload.Result, len(stores))
	khz := uint64(0)
	for round := range rounds {
		o.step("%d cores, round %d of %d", cores, round+1, rounds)
		for i := range stores {
			i = (i + round) % len(stores) // nobody is always first; in the first round the multikernel is
			var result workload.Result
			var err error
			if s := stores[i]; s.lock == "" {
				result, khz, err = o.kvCores(im, cores, s.inflight, length)
			} else {
				result, err = kvProcess(s, cores, length, khz)
			}
			if err != nil {
				return err
			}
			runs[i] = append(runs[i], result)
		}
	}
	for i, s := range stores {
		k := KVRow{Cores: cores, Store: s.name, Rounds: rounds}
		k.PerSecond = quantile(pick(runs[i], perSecond), 0.5)
		k.P50, k.P99, k.P999 = quantile(pick(runs[i], p50), 0.5), quantile(pick(runs[i], p99), 0.5), quantile(pick(runs[i], p999), 0.5)
		r.KV = append(r.KV, k)
	}
	name := fmt.Sprintf("kv_%d_", cores)
	r.Rows = append(r.Rows,
		row(name+"rate", "million/s", 1e6, pick(runs[kvMany], perSecond), pick(runs[kvMutex], perSecond)).of("process"),
		row(name+"p50", "ns", 1, pick(runs[kvOne], p50), pick(runs[kvMutex], p50)).of("process"),
		row(name+"p99", "ns", 1, pick(runs[kvOne], p99), pick(runs[kvMutex], p99)).of("process"),
		row(name+"p999", "ns", 1, pick(runs[kvOne], p999), pick(runs[kvMutex], p999)).of("process"))
	first := &r.Rows[len(r.Rows)-4]
	first.Note = fmt.Sprintf("the limit is one Go process with a map under a sync.Mutex, GOMAXPROCS=%d, on the same CPUs; a rate above it is better, a latency below it", cores)
	if cores > r.CPUs {
		first.Note += fmt.Sprintf("; %d cores share %d CPUs", cores, r.CPUs)
	}
	return nil
}

// textKV writes every store's row.
func (r *Report) textKV(w io.Writer) {
	if len(r.KV) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "CORES\tSTORE\tMILLION/S\tP50 ns\tP99 ns\tP99.9 ns\t")
	for _, k := range r.KV {
		fmt.Fprintf(t, "%d\t%s\t%.2f\t%.0f\t%.0f\t%.0f\t\n", k.Cores, k.Store, k.PerSecond/1e6, k.P50, k.P99, k.P999)
	}
	t.Flush()
}

// pick takes one figure of each run.
func pick(runs []workload.Result, of func(*workload.Result) float64) []float64 {
	var list []float64
	for i := range runs {
		list = append(list, of(&runs[i]))
	}
	return list
}

func perSecond(r *workload.Result) float64 { return r.PerSecond }
func p50(r *workload.Result) float64       { return r.P50 }
func p99(r *workload.Result) float64       { return r.P99 }
func p999(r *workload.Result) float64      { return r.P999 }

// kvCores runs the image on some cores, half of them shards, and returns the
// TSC's frequency too.
func (o Options) kvCores(im *image.Image, cores, inflight int, length time.Duration) (r workload.Result, khz uint64, err error) {
	shards := cores / 2
	console, report, err := o.cores(im, func(opt *multikernel.Options) { opt.Cores, opt.Populate = cores, true },
		"-json", "-for", length.String(), "-shards", fmt.Sprint(shards), "-inflight", fmt.Sprint(inflight),
		"-keys", fmt.Sprint(kvKeys/(cores-shards)))
	if err != nil {
		return r, 0, err
	}
	return r, report.TSCKHz, coreZero(console, &r)
}
