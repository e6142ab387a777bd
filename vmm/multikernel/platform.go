package multikernel

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/life"
	"barreleye/vmm/observe"

	"golang.org/x/sys/unix"
)

// Names of the platforms.
const (
	PlatformAuto   = "auto"   // KVM where it can be used, else hosted
	PlatformKVM    = "kvm"    // each core a virtual machine
	PlatformHosted = "hosted" // each core a Linux process
)

// platform is what the cores of one run are made of.
type platform interface {
	// tscKHz returns the TSC's frequency in kHz, once the cores are ready.
	tscKHz() uint64
	// load makes ready what lives that run an image share. It may be called at any
	// time, as newLife may.
	load(im *image.Image) (io.Closer, error)
	// newLife makes a life of a core ready to run.
	newLife(b birth) (carrier, error)
	// feed passes the run's standard input on to core 0 from now on, whenever that
	// reads, until stop.
	feed() (stop func(), err error)
	// close frees what the cores shared; none runs any more.
	close()
}

// carrier carries one life of a core.
type carrier interface {
	// Run returns when the life has ended; it is called once.
	Run() (life.End, error)
	// Stop makes Run return at once. It may be called at any time.
	Stop()
	// Park takes the core off its CPU, with its memory kept, and returns once that is
	// so or the life over; Resume lets it go on.
	Park()
	Resume()
	// Signal sends the program a signal.
	Signal(sig unix.Signal)
	// Quiet reports whether the core, which sleeps, has set no timer and waits
	// for nothing but other cores.
	Quiet() bool
	// Source yields what the core writes.
	Source() observe.Source
	// ResidentKiB returns how much memory the host backs for the core alone.
	ResidentKiB() int
	// Exits returns how often the core left for the VMM, once its life ended.
	Exits() uint64
	// Close frees what the core had.
	Close() error
}

// Choice is the platform of a run and why it was taken.
type Choice struct {
	Platform string      // PlatformKVM or PlatformHosted
	Flavour  kvm.Flavour // of KVM; empty on the hosted platform
	Why      string      // in a few words, "" where it was asked for
}

// String names the platform and the reason: "kvm (pvm)".
func (c Choice) String() string {
	s := c.Platform
	if c.Flavour != "" {
		s += fmt.Sprintf(" (%s)", c.Flavour)
	}
	if c.Platform == PlatformHosted {
		s += ": cores are Linux processes"
	}
	if c.Why != "" {
		s += ": " + c.Why
	}
	return s
}

// Choose settles the platform. It tries KVM as far as a virtual machine; where
// that fails, auto takes the hosted platform.
func Choose(name, device string) (Choice, error) {
	if err := CheckPlatform(name); err != nil {
		return Choice{}, err
	}
	if name == PlatformHosted {
		return Choice{Platform: PlatformHosted}, nil
	}
	switch err := tryKVM(device); {
	case err == nil:
		return Choice{Platform: PlatformKVM, Flavour: kvm.DetectFlavour()}, nil
	case name == PlatformKVM:
		return Choice{}, err
	default:
		return Choice{Platform: PlatformHosted, Why: reason(err)}, nil
	}
}

// CheckPlatform reports a name that is no platform's.
func CheckPlatform(name string) error {
	if slices.Contains([]string{"", PlatformAuto, PlatformKVM, PlatformHosted}, name) {
		return nil
	}
	return fmt.Errorf("run: unknown platform %q: use --platform %s, %s or %s", name, PlatformAuto, PlatformKVM, PlatformHosted)
}

// tryKVM makes a virtual machine and lets go of it.
func tryKVM(device string) error {
	sys, err := kvm.Open(cmp.Or(device, kvm.DevicePath))
	if err != nil {
		return err
	}
	defer sys.Close()
	vm, err := sys.CreateVM()
	if err != nil {
		return err
	}
	go vm.Close() // which waits for all of KVM's readers, 2 to 7 ms
	return nil
}

// reason is the short form of why KVM cannot be used.
func reason(err error) string {
	for _, known := range []error{kvm.ErrMissing, kvm.ErrForbidden, kvm.ErrUnusable} {
		if errors.Is(err, known) {
			return known.Error() + " ('barreleye doctor' shows more)"
		}
	}
	return err.Error()
}
