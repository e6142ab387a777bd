package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"barreleye/vmm/kvm"

	gokvm "github.com/bobuhiro11/gokvm/kvm"
)

// checkKVM opens KVM and makes a VM with a vCPU.
func (h *Host) checkKVM(d *diagnosis) {
	sys, err := kvm.Open(h.Device)
	if err != nil {
		d.fail("KVM", cause{err}, kvmFix(err, h.Device))
		return
	}
	defer sys.Close()
	d.ok("KVM", "%s can be opened; API 12 and all capabilities that cores need", h.Device)
	switch f := kvm.DetectFlavour(); f {
	case kvm.Unknown:
		d.warn("flavour", "no kvm_pvm, kvm_amd or kvm_intel module is loaded", "nothing if the module is built in; otherwise times of interrupts are not those documented")
	case kvm.PVM:
		d.ok("flavour", "%s: without hardware virtualisation; interrupts and exits cost tens of microseconds", f)
	default:
		d.ok("flavour", "%s", f)
	}
	checkHaltPoll(d, sys)

	vm, err := sys.CreateVM()
	if err != nil {
		d.fail("VM", cause{err}, "end other virtual machines, or free memory")
		return
	}
	defer vm.Close()
	if err := vm.EnableLocalAPIC(1); err != nil {
		d.fail("VM", cause{err}, "use a kernel with KVM_CAP_SPLIT_IRQCHIP (4.4 or later)")
		return
	}
	vcpu, err := vm.CreateVCPU()
	if err != nil {
		d.fail("VM", cause{err}, "end other virtual machines, or free memory")
		return
	}
	defer vcpu.Close()
	d.ok("VM", "one with a vCPU could be created")
	if err := sys.Try(); err != nil {
		d.fail("instruction", cause{err}, "use another kernel or KVM module; Debian 12's works")
		return
	}
	d.ok("instruction", "a vCPU executed some")
	checkTSC(d, vcpu)
}

// cause is an error without its last part, the next step: the doctor's own is
// more exact.
type cause struct{ error }

func (c cause) Error() string {
	text := c.error.Error()
	return text[:max(strings.LastIndex(text, ": "), 0)]
}

func (c cause) Unwrap() error { return c.error }

// kvmFix says what to do about an error of kvm.Open.
func kvmFix(err error, device string) string {
	switch {
	case errors.Is(err, kvm.ErrMissing):
		return "modprobe kvm_intel or kvm_amd; in a virtual machine, enable nested virtualisation for it; in a container, pass " + device + " in"
	case errors.Is(err, kvm.ErrForbidden):
		if st, e := os.Stat(device); e == nil && st.Mode().Perm()&0o060 != 0o060 {
			return "as root: chgrp kvm " + device + " && chmod 660 " + device + " && usermod -a -G kvm USER, then log in again"
		}
		return "as root: usermod -a -G kvm USER, then log in again"
	}
	return "use a kernel whose KVM has it; Debian 12's does"
}

func checkHaltPoll(d *diagnosis, sys *kvm.System) {
	host := "host setting unknown"
	switch ns := kvm.HaltPoll(); {
	case ns == 0:
		host = "host does not poll for halted cores: waking one always takes the longer way"
	case ns > 0:
		host = fmt.Sprintf("host polls for a halted core for up to %d us", ns/1000)
	}
	if sys.Capability(gokvm.CapHALTPoll) == 0 {
		d.warn("halt polling", host+"; it cannot be set per VM", "where cores share CPUs, set /sys/module/kvm/parameters/halt_poll_ns to 0")
		return
	}
	d.ok("halt polling", "%s; can be set per VM", host)
}

func checkTSC(d *diagnosis, vcpu *kvm.VCPU) {
	const fix = "use a kernel from 5.16 on, with a stable TSC"
	khz, err := vcpu.TSCKHz()
	if err != nil {
		d.fail("TSC", err, fix)
		return
	}
	zero, err := vcpu.ZeroTSCOffset()
	if err == nil && !zero {
		err = fmt.Errorf("the offset cannot be set to 0")
	}
	if err != nil {
		d.fail("TSC", fmt.Errorf("%w: %w", kvm.ErrUnusable, err), fix)
		return
	}
	d.ok("TSC", "%.0f MHz, offset 0: all cores and the host read the same clock", float64(khz)/1000)
}
