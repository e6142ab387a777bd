package cli

import (
	"strings"
	"testing"

	"barreleye/vmm/operator"
)

// TestCapsTable: everything is a line, below what it was cut from.
func TestCapsTable(t *testing.T) {
	var b strings.Builder
	if err := capsTable(&b, &operator.CapsReport{
		Core: operator.Core{Core: 1, Life: 2}, Ready: true, Base: 0x4000000, Size: 64 << 10, Free: 32 << 10,
		Own: []operator.Object{
			{ID: 1, Entry: "1.2.1", Extent: operator.Extent{Type: "RAM", Base: 0x4000000, Size: 32 << 10}},
			{ID: 2, Entry: "0.1.1", Extent: operator.Extent{Type: "Frame", Base: 0x4008000, Size: 4096}, Rights: []string{"r----"}},
			{ID: 3, Parent: 1, Extent: operator.Extent{Type: "Frame", Base: 0x4000000, Size: 8192}, Rights: []string{"rwxdg", "rw---"}},
			{ID: 4, Parent: 4, Extent: operator.Extent{Type: "Frame"}}, // which cannot be
		},
		Shared: []operator.Entry{
			{ID: "1.2.1", Extent: operator.Extent{Type: "RAM", Base: 0x4000000, Size: 32 << 10}, Owner: 1, Holders: []operator.Holding{{Core: 1, Rights: "rwxdg"}}},
			{ID: "1.2.2", Parent: "1.2.1", Extent: operator.Extent{Type: "Frame", Base: 0x4002000, Size: 4096}, Owner: 0, Holders: []operator.Holding{{Core: 0, Rights: "rw---"}, {Core: 2, Rights: "r----"}}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	want := `CORE 1 HAS  BASE       SIZE    RIGHTS       SHARED AS
RAM         0x4000000  32 KiB  -            1.2.1
  Frame     0x4000000  8 KiB   rwxdg rw---  -
Frame       0x4008000  4 KiB   r----        0.1.1

SHARED MEMORY  BASE       SIZE    ID     OWNER  HOLDERS
RAM            0x4000000  32 KiB  1.2.1  1      1:rwxdg
  Frame        0x4002000  4 KiB   1.2.2  0      0:rw--- 2:r----
free                      32 KiB                of 64 KiB
`
	if b.String() != want {
		t.Errorf("\n%swant\n%s", b.String(), want)
	}
}
