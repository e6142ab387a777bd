package multikernel

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/kvm"
)

// Report is what a run came to. Its JSON names are stable.
type Report struct {
	Platform   string       `json:"platform"` // "kvm" or "hosted"
	Flavour    kvm.Flavour  `json:"flavour"`
	Dir        string       `json:"dir"`
	ExitCode   int          `json:"exit_code"`
	UpMS       float64      `json:"up_ms"` // since the command started
	HaltPollNS int          `json:"halt_poll_ns"`
	PollNS     int64        `json:"poll_ns"`
	TSCKHz     uint64       `json:"tsc_khz"`
	Cores      []CoreReport `json:"cores"`
	Timing     []Phase      `json:"timing"`
	Trace      *TraceReport `json:"trace,omitempty"` // of Options.Trace

	// of Options.Stats: each direction of each channel that was used, and
	// all that programs sent
	Channels    []ChannelReport `json:"channels,omitempty"`
	AllChannels *ChannelReport  `json:"all_channels,omitempty"`
}

// Phase is one step of the start, in ms since the command started.
type Phase struct {
	Name string  `json:"name"`
	AtMS float64 `json:"at_ms"`
}

// CoreReport is one core's part.
type CoreReport struct {
	Core        int       `json:"core"`
	Life        uint64    `json:"life"` // its last, 1 for the first; numbers below are of this one
	Image       string    `json:"image"`
	CPU         int       `json:"cpu"`
	State       string    `json:"state"`
	Power       string    `json:"power"`
	ExitCode    int       `json:"exit_code"`
	Error       string    `json:"error,omitempty"`
	BootMS      float64   `json:"boot_ms"` // command start to guest main
	ResidentKiB int       `json:"resident_kib"`
	Syscalls    uint64    `json:"syscalls"`
	Traps       uint64    `json:"traps"`
	Calls       uint64    `json:"driver_calls"`
	Exceptions  uint64    `json:"exceptions"`
	Faults      uint64    `json:"driver_faults"` // exceptions of the driver itself: first touch of memory that a program passed in
	Exits       uint64    `json:"exits"`
	Ticks       uint64    `json:"ticks"`
	Halts       uint64    `json:"halts"`
	Doorbells   uint64    `json:"doorbells"`
	Locals      uint64    `json:"local_messages"`
	Rings       uint64    `json:"rings"`
	Flushes     uint64    `json:"flushes"`
	Invalidated uint64    `json:"invalidated"` // pages whose TLB entries were dropped alone
	Signals     uint64    `json:"signals"`
	Preemptions uint64    `json:"preemptions"`
	Switches    uint64    `json:"switches"`
	LogBlocks   uint64    `json:"log_blocks"`
	LogBytes    uint64    `json:"log_bytes"`
	Unserved    uint64    `json:"unserved"`
	Sent        uint64    `json:"sent"`
	Received    uint64    `json:"received"`
	Hellos      uint64    `json:"hellos"`
	FramesUsed  uint64    `json:"frames_used"`
	FramesTotal uint64    `json:"frames_total"`
	FramesLimit uint64    `json:"frames_limit"` // up to which frames_total may grow
	CPUNS       int64     `json:"cpu_ns"`       // CPU time that the core has had, in all lives
	StealNS     int64     `json:"steal_ns"`     // for how long it could have run, and the host ran something else
	Collections uint64    `json:"collections"`
	PauseNS     uint64    `json:"pause_ns"` // for how long these stopped the program, in all
	PollNS      uint64    `json:"poll_ns"`  // for how long its idle loop polled at the end; 0 in a process
	Parks       uint64    `json:"parks"`    // times that it was parked because its own power policy wants that
	Maps        []Mapping `json:"maps"`

	// Lives are the core's last 64.
	Lives []LifeReport `json:"lives"`
}

// Mapping is one range of a core's address space.
type Mapping struct {
	Start    string `json:"start"`
	End      string `json:"end"`
	Kind     string `json:"kind"`
	Prot     string `json:"prot"`
	PageSize int    `json:"page_size"`       // bytes
	Frame    string `json:"frame,omitempty"` // guest-physical address of what a capability to a frame was mapped for
}

var stateNames = map[uint64]string{
	region.StateOff: "off", region.StateBooting: "booting", region.StateRunning: "running",
	region.StateExited: "exited", region.StateCrashed: "crashed",
}

var powerNames = map[uint64]string{region.PowerPoll: "poll", region.PowerHalt: "halt", region.PowerPark: "park"}

var kindNames = map[uint8]string{
	boot.KindText: "text", boot.KindReadOnly: "rodata", boot.KindData: "data", boot.KindStubs: "stubs",
	boot.KindDriver: "driver", boot.KindStack: "stack", boot.KindFrames: "frames", boot.KindRegion: "region",
	boot.KindDevice: "device", boot.KindAnon: "anon", boot.KindLazy: "lazy", boot.KindReserved: "reserved",
	boot.KindFiles: "files", boot.KindFrame: "frame",
}

// coreReport reads what a core publishes about itself.
func coreReport(view *region.View, core int) CoreReport {
	b := view.Block(core)
	n := b.Counters
	r := CoreReport{
		Core: core, State: stateNames[b.State.Load()], Power: powerNames[b.Power.Load()],
		Syscalls: n.Events[region.EventSyscall] + n.Events[region.EventTrap], Traps: n.Events[region.EventTrap],
		Calls: n.Events[region.EventCall], Exceptions: n.Events[region.EventException], Faults: n.Events[region.EventFault],
		Ticks: n.Events[region.EventTick], Doorbells: n.Events[region.EventDoorbell],
		Locals: n.Events[region.EventLocal],
		Halts:  n.Halts, Rings: n.Rings, Flushes: n.Flushes, Invalidated: n.Invalidations, Signals: n.Signals,
		PollNS: n.PollNS, Preemptions: n.Preemptions, Switches: n.Switches, LogBlocks: n.LogBlocks, LogBytes: n.LogBytes,
		Unserved: n.Unserved, Hellos: b.Hellos.Load(),
		Collections: b.Collections.Load(), PauseNS: b.PauseNS.Load(),
		FramesUsed: n.FramesUsed, FramesTotal: n.FramesTotal, FramesLimit: n.FramesLimit,
		Maps: []Mapping{},
	}
	r.Sent, r.Received = view.Messages(core)
	maps := view.Maps(core)
	for _, m := range maps[:min(b.MapCount.Load(), uint64(len(maps)))] {
		r.Maps = append(r.Maps, mapping(m))
	}
	return r
}

func mapping(m boot.Mapping) Mapping {
	prot := []byte("---")
	for i, c := range []byte("rwx") {
		if m.Prot&(1<<i) != 0 {
			prot[i] = c
		}
	}
	size := 4 << 10
	if m.Huge != 0 {
		size = 2 << 20
	}
	shown := Mapping{
		Start: fmt.Sprintf("%#x", m.Start), End: fmt.Sprintf("%#x", m.End),
		Kind: kindNames[m.Kind], Prot: string(prot), PageSize: size,
	}
	if m.Kind == boot.KindFrame {
		shown.Frame = fmt.Sprintf("%#x", uint64(m.Frame)*layout.PageSize)
	}
	return shown
}

// Table writes the report as a table, one core a line.
func (r *Report) Table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "CORE\tCPU\tSTATE\tEXIT\tBOOT ms\tRSS KiB\tMEM KiB\tOF KiB\tMAX KiB\tSYSCALLS\tTRAPS\tEXITS\tTICKS\tHALTS\tRINGS\tSENT\tRECEIVED\tMAPS\t")
	for _, c := range r.Cores {
		state := c.State
		if state == "running" {
			state += "/" + c.Power
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%d\t%.1f\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", c.Core, c.CPU, state, c.ExitCode,
			c.BootMS, c.ResidentKiB, c.FramesUsed*4, c.FramesTotal*4, c.FramesLimit*4, c.Syscalls, c.Traps, c.Exits, c.Ticks, c.Halts, c.Rings, c.Sent, c.Received, len(c.Maps))
	}
	t.Flush()
}

// MapTable writes every core's memory map.
func (r *Report) MapTable(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "CORE\tSTART\tEND\tPROT\tPAGE\tKIND")
	for _, c := range r.Cores {
		for _, m := range c.Maps {
			kind := m.Kind
			if m.Frame != "" {
				kind += " " + m.Frame
			}
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%dK\t%s\n", c.Core, m.Start, m.End, m.Prot, m.PageSize>>10, kind)
		}
	}
	t.Flush()
}

// TimingTable writes where the time of the start went.
func (r *Report) TimingTable(w io.Writer) {
	last := 0.0
	for _, p := range r.Timing {
		fmt.Fprintf(w, "%8.2f ms  +%.2f  %s\n", p.AtMS, p.AtMS-last, p.Name)
		last = p.AtMS
	}
}

// Errors returns one line per core that did not end well.
func (r *Report) Errors() string {
	var lines []string
	for _, c := range r.Cores {
		if c.Error != "" {
			lines = append(lines, c.Error)
		}
	}
	return strings.Join(lines, "\n")
}
