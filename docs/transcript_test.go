package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a page shows of a command's output is compared with what it prints now.
// Times, paths, addresses, numbers of runs, and numbers that vary (of three
// digits or more, with a fraction, or in a table) count as equal. A line "..."
// stands for any lines, "..." at the end of a line for its rest. Cores print at
// the same time, so only the order of each one's lines counts.

// varying are the parts of a line that differ from run to run, and what stands
// for them.
var varying = []struct {
	what *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`^barreleye: platform (kvm|hosted).*`), "barreleye: platform P"},
	{regexp.MustCompile(`"stream":"(stdout|stderr|output)"`), `"stream":"S"`}, // docs/reference/platforms.md
	{regexp.MustCompile(`\bgo\d+\.\d+(\.\d+)?`), "GO"},
	{regexp.MustCompile(`\b\d+\.\d+\.\d+\+\S+`), "VERSION"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d[\d.]*)?(Z|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d(\.\d+)?`), "TIME"},
	{regexp.MustCompile(`\d{8}-\d{6}-\d+`), "RUN"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(µs|[num]?s)\b`), "TIME"},
	{regexp.MustCompile(`(~|\.\.?)?(/[\w.+@~-]+)+/?`), "PATH"},
	{regexp.MustCompile(`0x[0-9a-f]+`), "HEX"},
	{regexp.MustCompile(`\d*\.\d+|\d{3,}`), "N"},
	{regexp.MustCompile(`\s+`), " "},
}

var (
	anyNumber = regexp.MustCompile(`\d+`)
	ofCore    = regexp.MustCompile(`^\[(\d+|vmm)\] `)
	tableRow  = regexp.MustCompile(`(\s+[\d.]+){4,}`) // numbers in a row
)

// standard gives a line the form in which it is compared. exact keeps the name
// of the platform, which was asked for.
func standard(line string, exact bool) string {
	prefix := ofCore.FindString(line)
	line = strings.TrimSpace(strings.TrimPrefix(line, prefix))
	row := tableRow.MatchString(line)
	for i, v := range varying {
		if i > 0 || !exact {
			line = v.what.ReplaceAllString(line, v.name)
		}
	}
	if row {
		line = anyNumber.ReplaceAllString(line, "N")
	}
	return prefix + line
}

// speaker returns whose lines keep their order with a line.
func speaker(line string) string {
	if m := ofCore.FindString(line); m != "" {
		return m
	}
	if strings.HasPrefix(line, "barreleye: ") {
		return "barreleye"
	}
	return ""
}

// bySpeaker sorts lines by who printed them, in their standard form.
func bySpeaker(lines []string, exact bool) map[string][]string {
	m := map[string][]string{}
	for _, l := range lines {
		who := speaker(l)
		m[who] = append(m[who], standard(l, exact))
	}
	slices.Sort(m["[vmm] "]) // which core ends first is chance
	return m
}

const rest = "..."

// compare returns what is wrong with the output got where a page shows want.
func compare(want, got string, exact bool) error {
	split := func(s string) []string { return strings.Split(strings.Trim(s, "\n"), "\n") }
	shown := split(want)
	elided := slices.Contains(shown, rest)
	shown = slices.DeleteFunc(shown, func(l string) bool { return l == rest })
	w, g := bySpeaker(shown, exact), bySpeaker(split(got), exact)
	for who, lines := range w {
		printed := g[who]
		for _, l := range lines {
			for elided && len(printed) > 0 && !same(l, printed[0]) {
				printed = printed[1:]
			}
			if len(printed) == 0 || !same(l, printed[0]) {
				return fmt.Errorf("no line\n\t%s\nwhere it is shown, in\n%s", l, got)
			}
			printed = printed[1:]
		}
		if len(printed) > 0 && !elided {
			return fmt.Errorf("a line more than shown:\n\t%s\nin\n%s", printed[0], got)
		}
	}
	for who, lines := range g {
		if w[who] == nil && !elided {
			return fmt.Errorf("not shown:\n\t%s\nin\n%s", lines[0], got)
		}
	}
	return nil
}

// same compares two lines in standard form, of which the first may be cut off.
func same(shown, printed string) bool {
	if start, ok := strings.CutSuffix(shown, rest); ok {
		return strings.HasPrefix(printed, strings.TrimSpace(start))
	}
	return shown == printed
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		want, got string
		equal     bool
	}{
		{"[0] a\n[1] b\n", "[1] b\n[0] a\n", true},
		{"[0] a\n[0] b\n", "[0] b\n[0] a\n", false},
		{"[0] a\n", "[1] a\n", false},
		{"[0] a\n", "[0] a\n[0] b\n", false},
		{"[0] a\n", "[0] a\n[1] b\n", false},
		{"[0] a\n[1] b\n", "[0] a\n", false},
		{"[0] a\n...\n", "[0] a\n[0] b\n[1] c\n", true},
		{"[0] a\n...\n[0] c\n", "[0] a\n[0] b\n", false},
		{"took 12.5 ms, 784 KiB", "took 3.25 ms, 12000 KiB", true},
		{"3 primes", "4 primes", false},
		{" 0  1  5  7  9\n", " 1  2  3 44  5\n", true},
		{"page fault at 0x12 ...\n", "page fault at 0x34 main.go\n", true},
		{"barreleye: logs in ~/.local/state/barreleye/runs/20261124-124145-25669", "barreleye: logs in /tmp/x/runs/20250101-000000-1", true},
		{"barreleye: platform kvm (pvm)", "barreleye: platform hosted: cores are Linux processes: no /dev/kvm", true},
		{"", "", true},
		{"", "x", false},
	} {
		if err := compare(c.want, c.got, false); (err == nil) != c.equal {
			t.Errorf("%q beside %q: %v, want them to be equal: %v", c.want, c.got, err, c.equal)
		}
	}
	if compare("barreleye: platform kvm (pvm)", "barreleye: platform hosted", true) == nil {
		t.Error("a platform that was asked for counts as equal to another")
	}
}
