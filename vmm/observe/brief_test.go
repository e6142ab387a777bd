package observe

import (
	"strings"
	"testing"
)

const dump = `SIGQUIT: quit
PC=0x40a74e m=2 sigcode=18446744073709551610

goroutine 0 gp=0x13a1c52faf00 m=2 mp=0x13a1c5322808 [idle]:
internal/runtime/syscall/linux.Syscall6()
	internal/runtime/syscall/linux/asm_linux_amd64.s:36 +0xe fp=0x1 sp=0x1 pc=0x40a74e
runtime.mcall()
	runtime/asm_amd64.s:496 +0x55 fp=0x13a1c5341fd8 sp=0x13a1c5341fc0 pc=0x4851f5

goroutine 1 gp=0x13a1c52fa1e0 m=nil [IO wait, 3 minutes]:
runtime.gopark(0x800020050047ea7f?, 0x13a1c534cae8?, 0x74?, 0x6?, 0xb?)
	runtime/proc.go:462 +0xce fp=0x13a1c534ca80 sp=0x13a1c534ca60 pc=0x48034e
os.(*File).read(...)
	os/file_posix.go:30
barreleye/urpc.(*Parking).Sleep(0x13a1c534cd60, {0x5812c8?, 0x6d1b00?})
	barreleye/urpc/park.go:20 +0x8e fp=0x13a1c534cd30 sp=0x13a1c534cce8 pc=0x4e8e2e
barreleye/urpc.(*Receiver).Recv(0x13a1c52f2400, {0x5812c8, 0x6d1b00}, 0x13a1c534cdc8)
	barreleye/urpc/wait.go:80 +0x1f6 fp=0x13a1c534cda0 sp=0x13a1c534cd30 pc=0x4ebdd6
main.waitForNobody({0x5812c8, 0x6d1b00})
	barreleye/images/crash/main.go:142 +0xb2 fp=0x13a1c534ce20 sp=0x13a1c534cda0 pc=0x52d212
main.main()
	barreleye/images/crash/main.go:64 +0x255 fp=0x13a1c534cf48 sp=0x13a1c534ce98 pc=0x52c955
runtime.goexit({})
	runtime/asm_amd64.s:1771 +0x1 fp=0x13a1c534cfe8 sp=0x13a1c534cfe0 pc=0x486cc1

goroutine 7 gp=0x1 m=nil [select]:
runtime.selectgo(0x0?)
	runtime/select.go:1 +0x1
main.worker(0x1)
	main.go:9 +0x1
created by main.main in goroutine 1
	main.go:3 +0x66

goroutine 8 gp=0x2 m=nil [select]:
runtime.selectgo(0x0?)
	runtime/select.go:1 +0x1
main.worker(0x2)
	main.go:9 +0x1
created by main.main in goroutine 1
	main.go:3 +0x66

rax    0xfffffffffffffffc
rbx    0x2`

// TestBrief: goroutines that wait in one place are one line, those of the runtime
// none.
func TestBrief(t *testing.T) {
	const want = `SIGQUIT: quit: 4 goroutines, 1 of the runtime's own; 'barreleye logs' has their stacks
  [IO wait] barreleye/urpc.(*Receiver).Recv (barreleye/urpc/wait.go:80) < main.waitForNobody < main.main
  2 times [select] main.worker (main.go:9)`
	if got := string(Brief([]byte(dump))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	e := Entry{Core: 1, Stream: Stderr, Kind: KindPanic, Level: &levelError, Msg: []byte(dump)}
	if got := string(View{}.Append(nil, &e)); !strings.Contains(got, "asm_linux_amd64.s:36") {
		t.Error("a view that is not brief lacks stacks")
	}
	if got := string(View{Brief: true}.Append(nil, &e)); strings.Count(got, "\n") != 3 || !strings.Contains(got, "[1]   2 times [select]") {
		t.Errorf("a brief view shows\n%s", got)
	}
	// what a program may print
	for _, text := range []string{"SIGQUIT: ", "SIGQUIT: quit\n\ngoroutine", "SIGQUIT: x\n\ngoroutine 1 [a]:\n)))(((\n\t:1\n()", strings.Repeat("SIGQUIT: \n\n", 99)} {
		Brief([]byte(text))
	}
}
