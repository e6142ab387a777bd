package cli

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"barreleye/vmm/multikernel"

	"github.com/spf13/cobra"
)

// Outcomes of a check.
const (
	statusOK   = "ok"
	statusNote = "note" // something is missing that not everybody wants
	statusWarn = "warn" // cores run, but something is slower or missing
	statusFail = "FAIL" // no core can run on the platform that this is about
)

// check is one line of the doctor.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what to do, where the status is not ok
}

// diagnosis is all that the doctor found.
type diagnosis struct {
	OK        bool     `json:"ok"`        // cores can run on some platform
	Platforms []string `json:"platforms"` // those they can run on
	Checks    []check  `json:"checks"`

	failures int
	code     int // exit code of the first failure
}

// platform runs the checks of one platform. Cores can run on it if none fails.
func (d *diagnosis) platform(name string, checks func()) {
	before := d.failures
	if checks(); d.failures == before {
		d.OK = true
		d.Platforms = append(d.Platforms, name)
	}
}

func (d *diagnosis) ok(name, format string, args ...any) {
	d.Checks = append(d.Checks, check{name, statusOK, fmt.Sprintf(format, args...), ""})
}

func (d *diagnosis) note(name, detail, fix string) {
	d.Checks = append(d.Checks, check{name, statusNote, detail, fix})
}

func (d *diagnosis) warn(name, detail, fix string) {
	d.Checks = append(d.Checks, check{name, statusWarn, detail, fix})
}

func (d *diagnosis) fail(name string, err error, fix string) {
	if d.failures++; d.failures == 1 {
		d.code = codeOf(err)
	}
	d.Checks = append(d.Checks, check{name, statusFail, err.Error(), fix})
}

func (h *Host) doctorCommand() *cobra.Command {
	var output format
	var platform string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out whether cores can run here, by trying",
		Long: `Doctor looks at what cores need of this machine: it opens KVM, creates a VM, has
its vCPU execute some instructions, and boots the image hello on one core, on KVM and
as a Linux process. Each line is ok, note (something is missing that not everybody
wants), warn (cores run, but slower, or something is missing) or FAIL (cores cannot
run on that platform), with what to do about it.

The exit code is 0 if cores can run on KVM or hosted, as Linux processes; the last
line says which. Otherwise it is the one that 'barreleye run --platform kvm' would end
with. With --platform only that one is looked at, and counts.`,
		Example: "  barreleye doctor\n  barreleye doctor --platform kvm\n  barreleye doctor -o json",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return h.doctor(platform, output) },
	}
	cmd.Flags().StringVar(&platform, "platform", multikernel.PlatformAuto, "what to look at: kvm, hosted, or auto for both")
	completePlatform(cmd)
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) doctor(platform string, output format) error {
	if err := multikernel.CheckPlatform(platform); err != nil {
		return &failure{CodeUsage, err}
	}
	progress := h.progress("looking at this machine")
	d := h.diagnose(platform, progress)
	progress.end()
	code := d.code
	if d.OK {
		code = CodeOK
	}
	if output == formatJSON {
		if err := writeJSON(h.Stdout, d); err != nil {
			return err
		}
		return exitWith(code)
	}
	w := tabwriter.NewWriter(h.Stdout, 0, 8, 2, ' ', 0)
	for _, c := range d.Checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Status, c.Name, c.Detail)
		if c.Fix != "" {
			fmt.Fprintf(w, "\t\tto do: %s\n", c.Fix)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(h.Stdout, d.verdict(platform))
	return exitWith(code)
}

// diagnose makes all checks that a platform asks for, auto for both.
func (h *Host) diagnose(platform string, progress *progress) *diagnosis {
	d := &diagnosis{Platforms: []string{}, Checks: []check{}}
	checkHost(d)
	if platform != multikernel.PlatformHosted {
		d.platform(multikernel.PlatformKVM, func() {
			if h.checkKVM(d); d.failures == 0 {
				progress.say("booting hello on KVM")
				h.checkBoot(d, "boot", multikernel.PlatformKVM)
			}
		})
	}
	if platform != multikernel.PlatformKVM {
		d.platform(multikernel.PlatformHosted, func() {
			progress.say("booting hello as a Linux process")
			h.checkBoot(d, "hosted", multikernel.PlatformHosted)
		})
	}
	h.checkLogs(d)
	checkGo(d)
	checkLane(d)
	return d
}

// verdict is the last line: where cores can run, of what was looked at.
func (d *diagnosis) verdict(platform string) string {
	onKVM, hosted := slices.Contains(d.Platforms, multikernel.PlatformKVM), slices.Contains(d.Platforms, multikernel.PlatformHosted)
	switch both := platform == multikernel.PlatformAuto; {
	case onKVM && hosted:
		return "Cores can run here, on KVM and hosted, as Linux processes."
	case onKVM && both:
		return "Cores can run here on KVM, but not hosted, as Linux processes."
	case onKVM:
		return "Cores can run here on KVM."
	case hosted && both:
		return "Cores can run here hosted, as Linux processes, but not on KVM."
	case hosted:
		return "Cores can run here hosted, as Linux processes."
	}
	return "No core can run here yet."
}
