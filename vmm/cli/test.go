package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"barreleye/vmm/image"

	"github.com/spf13/cobra"
)

// testFlags are what `barreleye test` can be told.
type testFlags struct {
	coreFlags
	binary []string // flags of the test binary
}

func (h *Host) testCommand() *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:   "test [flags] [DIR|PACKAGE...] [-- ARGS...]",
		Short: "Run a package's tests on cores",
		Long: `Test builds the test binary of each package (default: the one in the current folder) as
a guest image, runs it, and prints what go test prints. The package need not import
barreleye/guest, but its module must require Barreleye. ARGS are passed to the test
binary after its flags.

Flags of go test may be written with one dash, as there. With more than one core each
runs all tests, and lines have their core before them; tests that talk to other cores
find them by guest.Cores() and guest.Channel(). They see, read-only, the package's
folder testdata, and what --file names.

The exit code is that of the first test binary that failed, which is 1, or 2 after a
panic; 64 to 73 are the command's (docs/reference/errors.md).`,
		Example: `  barreleye test
  barreleye test -v -run 'TestMap|TestHeap' ./store
  barreleye test --cores 2 -count 3 ./...
  barreleye test -run - -bench . -benchmem ./store`,
		Args: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			f.binary = binaryFlags(cmd.Flags())
			n := cmd.ArgsLenAtDash()
			if n < 0 {
				n = len(args)
			}
			return h.test(f, args[:n], args[n:])
		},

		ValidArgsFunction: completeFolder,
	}
	registerGoTest(cmd.Flags())
	f.register(cmd, 1)
	return cmd
}

// test is the command itself: the tests of all packages, one after the other.
func (h *Host) test(f *testFlags, packages, args []string) error {
	if len(packages) == 0 {
		packages = []string{"."}
	}
	var all []testPackage
	for _, arg := range packages {
		list, err := h.testPackages(findTarget(arg))
		if err != nil {
			return &failure{CodeImage, fmt.Errorf("test: %s: %w", arg, err)}
		}
		all = append(all, list...)
	}
	code := CodeOK
	for _, p := range all {
		err := h.testOne(f, p, len(all) > 1, args)
		if err == nil {
			continue
		}
		h.complain(err)
		if code == CodeOK {
			code = codeOf(err)
		}
		if !goesOn(err) {
			break
		}
	}
	return exitWith(code)
}

// goesOn reports whether other packages may fare better than one that ended
// with err: its tests failed, or its image could not be made.
func goesOn(err error) bool {
	code := codeOf(err)
	return code < CodeUsage || slices.Contains([]int{CodeImage, CodeCrash, CodeDeadlock}, code)
}

// testOne runs the tests of one package, which may be one of several.
func (h *Host) testOne(f *testFlags, p testPackage, several bool, args []string) error {
	if !p.hasTests() {
		fmt.Fprintf(h.Stdout, "?   \t%s\t[no test files]\n", p.ImportPath)
		return nil
	}
	im, err := h.testImage(p, image.LoadOptions{NoPatch: f.noPatch})
	if err != nil {
		fmt.Fprintf(h.Stdout, "FAIL\t%s [build failed]\n", p.ImportPath)
		return err
	}
	run := f.coreFlags // a run of its own
	if several && run.opt.Dir != "" {
		run.opt.Dir = filepath.Join(run.opt.Dir, filepath.FromSlash(p.ImportPath))
	}
	if dir := filepath.Join(p.Dir, "testdata"); isFolder(dir) {
		// Where tests look for it: on a core the current folder is the root.
		run.files = slices.Concat(run.files, []string{dir + ":/testdata"})
	}
	if err := h.prepare(&run, im, slices.Concat(f.binary, args)); err != nil {
		return err
	}
	run.opt.Console = h.Stdout
	run.opt.MayBlock = true
	run.opt.View.Bare = run.opt.Cores == 1
	start := time.Now()
	report, err := h.boot(&run)
	if len(report.Cores) > 0 {
		run.tables(h.Stdout, report)
	}
	if err != nil {
		return err
	}
	verdict := "ok  "
	if report.ExitCode != CodeOK {
		verdict = "FAIL"
	}
	fmt.Fprintf(h.Stdout, "%s\t%s\t%.3fs\n", verdict, p.ImportPath, time.Since(start).Seconds())
	if goesOn(exitWith(report.ExitCode)) && report.ExitCode >= CodeUsage {
		h.summary(report) // more than a test that failed
	}
	return exitWith(report.ExitCode)
}
