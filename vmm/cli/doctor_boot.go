package cli

import (
	"fmt"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/temporary"
)

// bootWithin is how long the doctor waits for hello to end. It takes some
// tens of milliseconds, and longer on an emulated processor.
const bootWithin = 20 * time.Second

// checkBoot boots the image hello on one core of a platform, as the check
// called name.
func (h *Host) checkBoot(d *diagnosis, name, platform string) {
	im, err := h.loadImage("hello", image.LoadOptions{})
	if err != nil {
		d.fail(name, err, "build the binary with make, which builds its images first")
		return
	}
	dir, remove, err := temporary.Dir("barreleye-doctor-")
	if err != nil {
		d.fail(name, err, "set TMPDIR to a folder that can be written")
		return
	}
	defer remove()
	kick := make(chan multikernel.Reason, 1)
	timer := time.AfterFunc(bootWithin, func() { kick <- multikernel.Reason{Text: "no end of hello", Code: CodeVMM} })
	defer timer.Stop()
	report, err := multikernel.Run(&multikernel.Options{
		Image: im, Cores: 1, Memory: 64 << 20, Tick: 10 * time.Millisecond, HaltPoll: -1,
		Dir: dir, Started: time.Now(), Kick: kick, Device: h.Device, Platform: platform,
	})
	if err == nil && report.ExitCode != CodeOK {
		err = &failure{report.ExitCode, fmt.Errorf("hello did not end well: exit code %d: %s", report.ExitCode, report.Errors())}
	}
	if err != nil {
		d.fail(name, err, fmt.Sprintf("barreleye run --platform %s --cores 1 hello shows more; with --no-patch it rules the patcher out", platform))
		return
	}
	c := report.Cores[0]
	as := "on one core"
	if platform == multikernel.PlatformHosted {
		as = "as a Linux process"
	}
	d.ok(name, "hello %s: main after %.1f ms, %d KiB resident", as, c.BootMS, c.ResidentKiB)
}
