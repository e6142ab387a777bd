// Guest does what its first argument says, for the tests of the command line.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"barreleye/guest"
)

// ballast makes the image's data too large for the smallest memory. A value
// makes it take room from the start.
var ballast = [7 << 20]byte{1}

func main() {
	ballast[1] = 1
	fmt.Println("up", os.Args[1:], os.Getenv("GREETING"))
	switch os.Args[1] {
	case "sleep":
		time.Sleep(time.Hour)
	case "spin": // core 0 never lets go of its core
		for guest.Core() == 0 {
		}
		time.Sleep(time.Hour)
	case "chat": // never stops to talk
		for i := 0; ; i++ {
			fmt.Println("line", i)
		}
	case "exit": // core 1 ends with the given code
		if guest.Core() == 1 {
			code, _ := strconv.Atoi(os.Args[2])
			os.Exit(code)
		}
	case "crash": // core 1 passes its driver an address where nothing is
		if guest.Core() == 1 {
			syscall.RawSyscall(syscall.SYS_WRITE, 1, 0x12_3456_7000, 8)
		}
	case "read": // standard input, and the file that follows
		b, err := io.ReadAll(os.Stdin)
		fmt.Printf("input %q %v\n", b, err)
		b, err = os.ReadFile(os.Args[2])
		fmt.Printf("file %q %v\n", b, err)
	case "deadlock":
		<-make(chan int)
	}
}
