package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"barreleye/vmm/image"
	"barreleye/vmm/sources"
	"barreleye/vmm/temporary"

	"github.com/spf13/pflag"
)

// goTestFlags are the flags of go test that the test binary takes. A flag
// without a default is a string, and passed on only if it is given.
var goTestFlags = []struct {
	name, value, usage string
}{
	{"v", "false", "print all tests as they run"},
	{"run", "", "run the tests, examples and fuzz seeds that match `REGEXP`"},
	{"skip", "", "do not run those that match `REGEXP`"},
	{"bench", "", "run the benchmarks that match `REGEXP`"},
	{"benchtime", "", "run each benchmark for `TIME`, or so many times: 1s, 100x"},
	{"benchmem", "false", "print allocations of benchmarks"},
	{"count", "", "run each test `N` times"},
	{"cpu", "", "run each test with each GOMAXPROCS of `LIST`"},
	{"failfast", "false", "start no test after one failed"},
	{"list", "", "list what matches `REGEXP` instead of running it"},
	{"parallel", "", "let `N` tests run at the same time"},
	{"short", "false", "have long tests shorten themselves"},
	{"shuffle", "", "run tests in random order: off, on, or the seed `N`"},
	{"timeout", "10m", "panic when the tests of a package run longer than `TIME`; 0 for no limit"},
}

// registerGoTest adds the flags of go test to a command.
func registerGoTest(flags *pflag.FlagSet) {
	for _, f := range goTestFlags {
		short := ""
		if len(f.name) == 1 {
			short = f.name
		}
		if f.value == "false" {
			flags.BoolP(f.name, short, false, f.usage)
		} else {
			flags.StringP(f.name, short, f.value, f.usage)
		}
	}
}

// binaryFlags are the flags of the test binary for those of the command.
func binaryFlags(flags *pflag.FlagSet) []string {
	args := []string{"-test.paniconexit0"} // as go test has it: os.Exit(0) is no success
	for _, f := range goTestFlags {
		if flag := flags.Lookup(f.name); flag.Changed || f.name == "timeout" {
			args = append(args, "-test."+f.name+"="+flag.Value.String())
		}
	}
	return args
}

// twoDashes writes go test's flags among the command line's arguments with two
// dashes, where they have one.
func twoDashes(args []string) []string {
	var out []string
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if one := strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "test."); one != arg {
			name, _, _ := strings.Cut(one, "=")
			for _, f := range goTestFlags {
				if f.name == name {
					arg = "--" + one
				}
			}
		}
		out = append(out, arg)
	}
	return out
}

// testPackage is a package as the go tool lists it.
type testPackage struct {
	target
	Dir          string
	ImportPath   string
	Name         string
	TestGoFiles  []string
	XTestGoFiles []string
}

func (p *testPackage) hasTests() bool { return len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 }

// testPackages lists the packages that t stands for, and checks that guests
// can be built there.
func (h *Host) testPackages(t target) (list []testPackage, err error) {
	out, err := h.goList(t.dir, h.Stderr, "-json=Dir,ImportPath,Name,TestGoFiles,XTestGoFiles", t.pkg)
	if err != nil {
		return nil, fmt.Errorf("%w: the go tool's own lines say what to correct", err)
	}
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		p := testPackage{}
		if err := in.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w: report it", err)
		}
		p.target = target{t.dir, p.ImportPath, path.Base(p.ImportPath) + ".test"}
		list = append(list, p)
	}
	if len(list) == 0 {
		return nil, errors.New("no packages: name a folder with Go files, or a package")
	}
	var said bytes.Buffer
	if _, err := h.goList(t.dir, &said, guestPackage); err != nil {
		folder := "/path/to/its/sources"
		if tree, err := h.sources(""); err == nil {
			folder = tree.Dir
		}
		if h.requiresBarreleye(t.dir) {
			h.Stderr.Write(said.Bytes())
			return nil, fmt.Errorf("its module requires Barreleye, but %s is not found: %w: correct the folder with: go mod edit -replace='%s=%s'", guestPackage, err, sources.Module, folder)
		}
		return nil, fmt.Errorf("its module does not require Barreleye: add it there with: go mod edit -require=%s@v0.0.0 -replace='%[1]s=%s'", sources.Module, folder)
	}
	return list, nil
}

// requiresBarreleye reports whether the go.mod for dir requires Barreleye,
// whether or not it can be had.
func (h *Host) requiresBarreleye(dir string) bool {
	cmd, err := h.goTool(dir, "mod", "edit", "-json")
	if err != nil {
		return false
	}
	cmd.Stderr = io.Discard // whoever asks has an error to show already
	out, err := cmd.Output()
	var mod struct{ Require []struct{ Path string } }
	if err != nil || json.Unmarshal(out, &mod) != nil {
		return false
	}
	for _, r := range mod.Require {
		if r.Path == sources.Module {
			return true
		}
	}
	return false
}

// guestPackage makes a program a guest.
const guestPackage = sources.Module + "/guest"

// goList returns what go list prints.
func (h *Host) goList(dir string, stderr io.Writer, args ...string) ([]byte, error) {
	cmd, err := h.goTool(dir, append([]string{"list"}, args...)...)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	return out, nil
}

// testImage builds a package's test binary as a guest image. A file that is
// only there for the go tool (an overlay) makes it import package guest.
func (h *Host) testImage(p testPackage, opt image.LoadOptions) (*image.Image, error) {
	temp, remove, err := temporary.Dir("barreleye-test-")
	if err != nil {
		return nil, &failure{CodeHost, fmt.Errorf("test: %w: set TMPDIR to a folder that can be written", err)}
	}
	defer remove()
	guest := filepath.Join(temp, "guest.go")
	overlay, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(p.Dir, "barreleye_guest_test.go"): guest},
	})
	if err != nil {
		return nil, err
	}
	overlayFile := filepath.Join(temp, "overlay.json")
	for path, text := range map[string]string{
		// Of the external tests: they may import what imports the package.
		guest:       fmt.Sprintf("package %s_test\n\nimport _ %q\n", p.Name, guestPackage),
		overlayFile: string(overlay),
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, &failure{CodeHost, fmt.Errorf("test: %w: set TMPDIR to a folder with some room", err)}
		}
	}
	elf, err := h.goImage(p.target, "test", "-c", "-overlay", overlayFile)
	if err != nil {
		return nil, &failure{CodeImage, fmt.Errorf("image %s: %w", p.ImportPath, err)}
	}
	return opt.Load(p.program, elf)
}
