package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/corefile"
)

// TestGDBOpensCoreFiles has gdb look at what cores left: of a driver that faulted,
// the driver's calls and the thread that it served; of a panic, the program's.
func TestGDBOpensCoreFiles(t *testing.T) {
	needGuests(t, "of a process there is nothing left to write")
	elf, im := withSymbols(t, "crash")
	for form, want := range map[string][]string{
		"driver": {`SIGSEGV`, `#0  runtime\.memmove`, `guest/cpudriver\.sysWrite \(`, `guest/cpudriver\.syscallEntry`, `main\.faultDriver \(`, `main\.main \(`},
		"panic":  {`SIGABRT`, `guest/cpudriver\.exitCore \(`, `runtime\.fatalpanic`},
		"device": {`SIGSEGV`, `#0 .*main\.writeDevice \(`, `main\.main \(`},
		"stuck":  {`SIGQUIT`, `#0 .*main\.spinAt`},
	} {
		t.Run(form, func(t *testing.T) {
			opt := options(t, im, 2, "-core", "1", form)
			opt.CoreFiles, opt.Watchdog = true, 2*time.Second
			o := run(t, opt)
			name := filepath.Join(o.opt.Dir, corefile.Name(1, 1))
			out, err := exec.Command("gdb", "-nx", "-batch", "-ex", "bt", "-ex", "thread apply all bt", elf, name).CombinedOutput()
			if err != nil {
				t.Fatalf("gdb: %v\n%s", err, out)
			}
			for _, call := range want {
				if !regexp.MustCompile(call).Match(out) {
					t.Errorf("gdb shows no %s:\n%s", call, out)
				}
			}
			if !strings.Contains(o.console(), "core 1: core file "+name) {
				t.Error("the console does not name the core file")
			}
			if info, err := os.Stat(name); err != nil || info.Size() < 1<<20 {
				t.Errorf("the core file: %v, %v", info, err)
			}
		})
	}
}
