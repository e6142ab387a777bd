package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// aModule is a module of two packages with tests, neither of which imports
// barreleye/guest; one of them has nothing but internal tests.
var aModule = map[string]string{
	"go.mod":                  "module example.com/a\n\ngo 1.26.0\n\nrequire barreleye v0.0.0\n\nreplace barreleye => TREE\n",
	"main.go":                 "package main\n\nfunc main() {}\n",
	"store/s.go":              "package store\n\nfunc Add(a, b int) int { return a + b }\n",
	"store/testdata/word.txt": "word ",
	"none/n.go":               "package none\n",
	"broken/b.go":             "package broken\n",
	"broken/b_test.go":        "package broken\n\nvar x = y\n",
	"store/s_test.go": `package store

import (
	"os"
	"testing"
	"time"
)

func TestGood(t *testing.T) { t.Log(os.Args[len(os.Args)-1], os.Getenv("GREETING")) }

func TestBad(t *testing.T) {
	if os.Getenv("GREETING") == "" {
		t.Error("not greeted")
	}
}

func TestPanic(t *testing.T) { panic("help") }

func TestSlow(t *testing.T) { time.Sleep(time.Hour) }

func TestData(t *testing.T) {
	for _, name := range []string{"testdata/word.txt", "/more/word.txt"} {
		b, err := os.ReadFile(name)
		t.Logf("%s%v", b, err)
	}
}

func BenchmarkAdd(b *testing.B) {
	for b.Loop() {
		Add(1, 2)
	}
}
`,
	"main_test.go": `package main_test

import (
	"testing"

	"barreleye/guest"
)

func TestCore(t *testing.T) {
	if !guest.Running() {
		t.Fatal("not on a core")
	}
	t.Logf("core %d of %d", guest.Core(), guest.Cores())
}
`,
}

// enterModule makes aModule and goes there.
func enterModule(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range aModule {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "TREE", treeDir)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// durations are times in go test's output.
var durations = regexp.MustCompile(`\d+\.\d+s`)

// TestTest runs packages' tests on cores: what it prints, and the exit code.
func TestTest(t *testing.T) {
	for _, platform := range platforms() {
		t.Run(platform, func(t *testing.T) { testTest(t, platform) })
	}
}

func testTest(t *testing.T, platform string) {
	enterModule(t)
	logs := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		want string // stdout, with times as N; "..." stands for lines
	}{
		{"-v -run Good ./store -- word", 0, "=== RUN   TestGood\n    s_test.go:9: word \n--- PASS: TestGood (N)\nPASS\nok  \texample.com/a/store\tN\n"},
		{"-run=Good ./store", 0, "PASS\nok  \texample.com/a/store\tN\n"},
		{"-run Good|Bad ./store", 1, "--- FAIL: TestBad (N)\n    s_test.go:13: not greeted\nFAIL\n[vmm] ...FAIL\texample.com/a/store\tN\n"},
		{"-run Bad --env GREETING=hi ./store", 0, "PASS\nok  \texample.com/a/store\tN\n"},
		{"-test.run Panic ./store", 2, "--- FAIL: TestPanic (N)\npanic: help [recovered, repanicked]\n...FAIL\texample.com/a/store\tN\n"},
		{"-run Slow -timeout 50ms ./store", 2, "panic: test timed out after 50ms\n...FAIL\texample.com/a/store\tN\n"},
		{"-run - -bench . -benchtime 10x ./store", 0, "goos: linux\n...BenchmarkAdd...PASS\nok  \texample.com/a/store\tN\n"},
		{"-run Good -count 2 -v example.com/a/store", 0, "=== RUN   TestGood\n...=== RUN   TestGood\n...PASS\nok  \texample.com/a/store\tN\n"},
		{"-v -run Data --file store/testdata:/more ./store", 0, "=== RUN   TestData\n    s_test.go:24: word <nil>\n    s_test.go:24: word <nil>\n--- PASS: TestData (N)\nPASS\nok  \texample.com/a/store\tN\n"},
		{"-v", 0, "=== RUN   TestCore\n    main_test.go:13: core 0 of 1\n--- PASS: TestCore (N)\nPASS\nok  \texample.com/a\tN\n"},
		{"-run Good|Core . ./none ./store", 0, "PASS\nok  \texample.com/a\tN\n?   \texample.com/a/none\t[no test files]\nPASS\nok  \texample.com/a/store\tN\n"},
		{"-run Bad ./...", CodeImage, "testing: warning: no tests to run\nPASS\nok  \texample.com/a\tN\nFAIL\texample.com/a/broken [build failed]\n?   \texample.com/a/none\t[no test files]\n--- FAIL: TestBad (N)\n...FAIL\texample.com/a/store\tN\n"},
	} {
		got := inProcess("/dev/kvm", append([]string{"test", "--platform", platform, "--dir", logs}, strings.Fields(c.args)...)...)
		out := durations.ReplaceAllString(got.out, "N")
		if got.code != c.code || !matches(out, c.want) {
			t.Errorf("%s: code %d, want %d, and stdout\n%s\nwant\n%s\nstderr\n%s", c.args, got.code, c.code, out, c.want, got.err)
		}
	}
}

// TestTestGoesOn: a package that cannot be built keeps no other from its tests.
func TestTestGoesOn(t *testing.T) {
	enterModule(t)
	got := inProcess("", "test", "--dir", t.TempDir(), "./broken", "./none", "./broken")
	const failed = "FAIL\texample.com/a/broken [build failed]\n"
	if got.code != CodeImage || got.out != failed+"?   \texample.com/a/none\t[no test files]\n"+failed {
		t.Errorf("code %d: %s", got.code, got.out)
	}
	if n := strings.Count(got.err, "barreleye: image example.com/a/broken: go test: exit status 1: "); n != 2 {
		t.Errorf("stderr names the package %d times, want 2: %s", n, got.err)
	}
}

// matches compares text with a pattern in which "..." stands for anything.
func matches(text, pattern string) bool {
	parts := strings.Split(pattern, "...")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, ".*") + `)$`).MatchString(text)
}

// TestTestOnCores runs tests on more than one core: lines tell which.
func TestTestOnCores(t *testing.T) {
	enterModule(t)
	got := inProcess("", "test", "--platform", "hosted", "--cores", "2", "--dir", t.TempDir(), "-v")
	for _, want := range []string{"[0]     main_test.go:13: core 0 of 2\n", "[1]     main_test.go:13: core 1 of 2\n", "\nok  \texample.com/a\t"} {
		if got.code != CodeOK || !strings.Contains(got.out, want) {
			t.Errorf("code %d, want 0 and %q in\n%s%s", got.code, want, got.out, got.err)
		}
	}
}

// TestTestLeavesNoFile: the file that makes the package a guest is not on disk.
func TestTestLeavesNoFile(t *testing.T) {
	enterModule(t)
	list := func() (names []string) {
		err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
			names = append(names, path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	before := list()
	if got := inProcess("", "test", "--platform", "kvm", "--dir", t.TempDir(), "./store"); got.code != CodeNoKVM {
		t.Fatalf("code %d, want that of a machine without KVM: %s%s", got.code, got.out, got.err)
	}
	if after := list(); !slices.Equal(after, before) {
		t.Errorf("files %q after, %q before", after, before)
	}
}

func TestTwoDashes(t *testing.T) {
	for in, want := range map[string]string{
		"test -run X -v":                 "test --run X --v",
		"test -run=-v --run X":           "test --run=-v --run X",
		"test -test.run=X -test.v":       "test --run=X --v",
		"test -c 2 -runs -benchmem -x":   "test -c 2 -runs --benchmem -x",
		"test -short ./a -- -run X -v":   "test --short ./a -- -run X -v",
		"test --cores 2 -count=1 -e A=b": "test --cores 2 --count=1 -e A=b",
	} {
		if got := strings.Join(twoDashes(strings.Fields(in)), " "); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
