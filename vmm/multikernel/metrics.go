package multikernel

import (
	"fmt"
	"strconv"
	"sync/atomic"

	"barreleye/devices/region"
	"barreleye/vmm/metrics"
)

// startMetrics serves the figures of all cores from now on.
func (r *run) startMetrics() {
	r.usage = make([]usage, r.view.Cores)
	if r.opt.Metrics == nil {
		return
	}
	r.opt.Metrics.Serve(r.figures)
}

// endMetrics is called before what figures reads is freed.
func (r *run) endMetrics() {
	if r.opt.Metrics != nil {
		r.opt.Metrics.Close()
	}
}

// perCore are the figures that a core publishes itself.
var perCore = []struct {
	name, help string
	kind       metrics.Kind
	value      func(b *region.Block) float64
}{
	{"halts_total", "Times the core halted.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Halts) }},
	{"rings_total", "Doorbells the core rang; in a virtual machine each is an exit.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Rings) }},
	{"thread_switches_total", "Threads of the Go runtime that took their turn.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Switches) }},
	{"signals_total", "Signals delivered to the program.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Signals) }},
	{"preemptions_total", "Signals by which the Go runtime preempted a goroutine.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Preemptions) }},
	{"tlb_pages_invalidated_total", "Pages whose entries were dropped from the TLB alone.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Invalidations) }},
	{"tlb_flushes_total", "Flushes of the TLB.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Flushes) }},
	{"unserved_calls_total", "System calls answered ENOSYS.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.Unserved) }},
	{"log_bytes_total", "Bytes written to the log.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.LogBytes) }},
	{"log_waits_total", "Times a writer waited for room in the log.", metrics.Counter, func(b *region.Block) float64 { return load(&b.Counters.LogBlocks) }},
	{"memory_used_bytes", "Private memory in use.", metrics.Gauge, func(b *region.Block) float64 { return 4096 * load(&b.Counters.FramesUsed) }},
	{"memory_bytes", "Private memory there is.", metrics.Gauge, func(b *region.Block) float64 { return 4096 * load(&b.Counters.FramesTotal) }},
	{"memory_limit_bytes", "Up to which it may grow.", metrics.Gauge, func(b *region.Block) float64 { return 4096 * load(&b.Counters.FramesLimit) }},
	{"poll_seconds", "For how long the idle loop polls before it halts.", metrics.Gauge, func(b *region.Block) float64 { return load(&b.Counters.PollNS) / 1e9 }},
	{"collections_total", "Garbage collections.", metrics.Counter, func(b *region.Block) float64 { return float64(b.Collections.Load()) }},
	{"collection_pause_seconds_total", "For how long collections stopped the program.", metrics.Counter, func(b *region.Block) float64 { return float64(b.PauseNS.Load()) / 1e9 }},
}

// eventNames are the labels of the events that a core's driver counts.
var eventNames = [region.EventKinds]string{
	region.EventSyscall: "syscall", region.EventTrap: "trap", region.EventCall: "driver_call", region.EventException: "exception",
	region.EventFault: "driver_fault", region.EventTick: "tick", region.EventDoorbell: "doorbell",
	region.EventLocal: "local",
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func load(counter *uint64) float64 { return float64(atomic.LoadUint64(counter)) }

// figures returns what there is to know now. It reads shared memory and clocks, and
// asks no core, so that it costs them nothing. Cores that never lived are left out.
func (r *run) figures() []metrics.Family {
	counter := func(name, help string) metrics.Family {
		return metrics.Family{Name: "barreleye_core_" + name, Help: help, Kind: metrics.Counter}
	}
	state := metrics.Family{Name: "barreleye_core_state", Help: "1 for the state that the core is in.", Kind: metrics.Gauge}
	parks := counter("parks_total", "Times the core was parked because its own power policy wants that.")
	asleep := metrics.Family{Name: "barreleye_core_halted", Help: "1 while the core is halted.", Kind: metrics.Gauge}
	lives := counter("lives_total", "Lives that the core has begun.")
	cpu := counter("cpu_seconds_total", "CPU time that the core has had.")
	steal := counter("steal_seconds_total", "Time for which the core could have run but the host ran something else.")
	exits := counter("exits_total", "Exits of the core's vCPU to the VMM's process, by KVM's reason.")
	sent := counter("messages_sent_total", "Messages sent over all channels.")
	received := counter("messages_received_total", "Messages received over all channels.")
	events := counter("events_total", "Events that the core's driver served.")
	lost := counter("trace_records_lost_total", "Trace records overwritten before they were copied.")
	families := make([]metrics.Family, len(perCore))
	for i, p := range perCore {
		families[i] = metrics.Family{Name: "barreleye_core_" + p.name, Help: p.help, Kind: p.kind}
	}
	for i := range r.view.Cores {
		b, label := r.view.Block(i), strconv.Itoa(i)
		u := &r.usage[i]
		if u.lives.Load() == 0 {
			continue
		}
		now := b.State.Load()
		for value := range uint64(len(stateNames)) {
			state.Add(truth(value == now), "core", label, "state", stateNames[value])
		}
		asleep.Add(truth(b.Power.Load() != region.PowerPoll), "core", label)
		lives.Add(float64(u.lives.Load()), "core", label)
		parks.Add(float64(u.parks.Load()), "core", label)
		used, waited := u.times()
		cpu.Add(used.Seconds(), "core", label)
		steal.Add(waited.Seconds(), "core", label)
		for reason := range u.exits {
			if n := u.exits[reason].Load(); n > 0 {
				exits.Add(float64(n), "core", label, "reason", fmt.Sprint(reason))
			}
		}
		to, from := r.view.Messages(i)
		sent.Add(float64(to), "core", label)
		received.Add(float64(from), "core", label)
		for kind, name := range eventNames {
			if name != "" {
				events.Add(load(&b.Counters.Events[kind]), "core", label, "event", name)
			}
		}
		if t := r.tracer.Load(); t != nil {
			lost.Add(float64(t.spool.Lost(i)), "core", label)
		}
		for j, p := range perCore {
			families[j].Add(p.value(b), "core", label)
		}
	}
	return append(families, state, asleep, parks, lives, cpu, steal, exits, sent, received, events, lost)
}
