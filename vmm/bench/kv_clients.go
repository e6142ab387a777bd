package bench

import (
	"errors"
	"sync"

	"barreleye/devices/clock"
	"barreleye/images/kv/store"
	"barreleye/images/kv/workload"
)

// kvClients are goroutines that call a store.
type kvClients struct {
	config workload.Config
	store  locked
	length uint64 // of the measurement, in cycles
	ready  sync.WaitGroup
	begin  chan struct{} // closed once all are ready
}

// measured is what one of them found.
type measured struct {
	took       *workload.Latencies
	begin, end uint64 // TSC
	err        error
}

func (p *kvClients) run(n int, khz uint64) (workload.Result, error) {
	all := make([]measured, n)
	var done sync.WaitGroup
	p.ready.Add(n)
	for i := range all {
		done.Go(func() { all[i] = p.client(i) })
	}
	p.ready.Wait()
	close(p.begin)
	done.Wait()
	sum := all[0]
	errs := []error{sum.err}
	for _, m := range all[1:] {
		sum.took.Add(m.took)
		sum.begin, sum.end = min(sum.begin, m.begin), max(sum.end, m.end)
		errs = append(errs, m.err)
	}
	return workload.NewResult(sum.took, sum.end-sum.begin, 1e6/float64(khz)), errors.Join(errs...)
}

// client does what a core does that is a client of the image kv: it stores its
// keys, warms up, waits for the others, and measures.
func (p *kvClients) client(id int) (m measured) {
	k := workload.NewClient(p.config, id)
	m.took = workload.NewLatencies()
	var r store.Request
	ask := func(s workload.Step) uint64 {
		at := clock.TSC()
		k.Request(&s, &r)
		a := p.store.apply(&r)
		end := clock.TSC()
		m.took.Record(end-at, 1)
		if err := k.Check(&s, &a); err != nil && m.err == nil {
			m.err = err
		}
		return end
	}
	for i := range p.config.Keys {
		ask(k.Fill(i))
	}
	for range p.config.Share(id, 1) / 10 {
		ask(k.Next())
	}
	p.ready.Done()
	<-p.begin
	m.took = workload.NewLatencies()
	m.begin = clock.TSC()
	for until := m.begin + p.length; m.end < until; {
		m.end = ask(k.Next())
	}
	return m
}
