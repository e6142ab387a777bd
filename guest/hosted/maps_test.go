package hosted

import (
	"testing"

	"barreleye/devices/boot"
)

func TestParseMapping(t *testing.T) {
	for line, want := range map[string]boot.Mapping{
		"00400000-004d2000 r-xp 00000000 00:01 1030  /memfd:hello (deleted)\n":                {Start: 0x400000, End: 0x4d2000, Prot: boot.Read | boot.Exec, Kind: boot.KindText},
		"004d2000-005e3000 r--p 000d2000 00:01 1030  /memfd:hello (deleted)\n":                {Start: 0x4d2000, End: 0x5e3000, Prot: boot.Read, Kind: boot.KindReadOnly},
		"005e3000-00601000 rw-p 001e3000 00:01 1030  /memfd:hello (deleted)\n":                {Start: 0x5e3000, End: 0x601000, Prot: boot.Read | boot.Write, Kind: boot.KindData},
		"1000000000-1000200000 rw-s 00000000 00:01 1028  /memfd:barreleye-region (deleted)\n": {Start: 0x1000000000, End: 0x1000200000, Prot: boot.Read | boot.Write, Kind: boot.KindRegion},
		"7d0000200000-7d0000400000 r--s 02800000 00:01 1028  /memfd:barreleye-region (deleted)\n": {
			Start: 0x7d0000200000, End: 0x7d0000400000, Prot: boot.Read, Kind: boot.KindFrame, Frame: 0x4002800},
		"7d0000400000-7d8000000000 ---p 00000000 00:00 0 \n":         {Start: 0x7d0000400000, End: 0x7d8000000000, Kind: boot.KindReserved},
		"c000000000-c000400000 rw-p 00000000 00:00 0 \n":             {Start: 0xc000000000, End: 0xc000400000, Prot: boot.Read | boot.Write, Kind: boot.KindAnon},
		"c000400000-c004000000 ---p 00000000 00:00 0 \n":             {Start: 0xc000400000, End: 0xc004000000, Kind: boot.KindReserved},
		"7ffd4a5ee000-7ffd4a60f000 rw-p 00000000 00:00 0  [stack]\n": {Start: 0x7ffd4a5ee000, End: 0x7ffd4a60f000, Prot: boot.Read | boot.Write, Kind: boot.KindStack},
		"7ffd4a6e1000-7ffd4a6e3000 r-xp 00000000 00:00 0  [vdso]\n":  {Start: 0x7ffd4a6e1000, End: 0x7ffd4a6e3000, Prot: boot.Read | boot.Exec, Kind: boot.KindStubs},
		"7ffd4a6dd000-7ffd4a6e1000 r--p 00000000 00:00 0  [vvar]\n":  {Start: 0x7ffd4a6dd000, End: 0x7ffd4a6e1000, Prot: boot.Read, Kind: boot.KindReadOnly},
	} {
		if got, ok := parseMapping(line); !ok || got != want {
			t.Errorf("%q: %+v, %v, want %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{
		"", "\n", "00400000-004d2000\n", "x-y r-xp 0 0 0\n",
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n", // the kernel's
	} {
		if got, ok := parseMapping(line); ok {
			t.Errorf("%q: %+v, want none", line, got)
		}
	}
}
