package cli

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"barreleye/vmm/image"
	"barreleye/vmm/kvm"

	"golang.org/x/sys/unix"
)

func TestCodeOf(t *testing.T) {
	_, noFile := os.Open("no/such/file")
	for _, c := range []struct {
		err  error
		want int
	}{
		{usage("run: %w", errors.New("x")), CodeUsage},
		{fmt.Errorf("around: %w", usage("x")), CodeUsage},
		{exitWith(3), 3},
		{exitWith(CodeSIGINT), 130},
		{fmt.Errorf("image x: %w", image.ErrABI), CodeImage},
		{fmt.Errorf("kvm: %w (%w)", kvm.ErrMissing, unix.ENOENT), CodeNoKVM},
		{fmt.Errorf("kvm: %w (%w)", kvm.ErrForbidden, unix.EACCES), CodeForbidden},
		{fmt.Errorf("kvm: %w: no KVM_CAP_IRQFD", kvm.ErrUnusable), CodeLacking},
		{fmt.Errorf("host memory: %w", unix.ENOMEM), CodeHost},
		{fmt.Errorf("run: event descriptor: %w", unix.EMFILE), CodeHost},
		{fmt.Errorf("log: %w", unix.ENOSPC), CodeHost},
		{fmt.Errorf("log: %w", noFile), CodeHost},
		{fmt.Errorf("kvm: KVM_RUN: %w", unix.EFAULT), CodeVMM},
		{errors.New("anything else"), CodeVMM},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%v: got code %d, want %d", c.err, got, c.want)
		}
	}
	if exitWith(CodeOK) != nil {
		t.Error("code 0 is an error")
	}
}

// Codes are documented and scripts rely on them.
func TestCodesAreDistinct(t *testing.T) {
	seen := map[int]bool{}
	for _, code := range []int{CodeOK, CodeUsage, CodeImage, CodeNoKVM, CodeForbidden, CodeLacking, CodeHost,
		CodeCrash, CodeVMM, CodeDeadlock, CodeSIGINT, CodeSIGTERM} {
		if seen[code] {
			t.Errorf("code %d stands for two things", code)
		}
		seen[code] = true
	}
}
