// Guest is a test program for the loader: it carries an image table, links a
// large part of the standard library, and does something with it when a patched
// copy is run on the host.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	_ "database/sql"
	_ "encoding/gob"
	"fmt"
	_ "image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// calls counts what came through syscallEntry.
var calls uint64

func tableAddress() uintptr

func main() {
	if tableAddress() == 0 {
		panic("no image table")
	}
	serve()
	run()
	churn()
	if syscall.Getpid() != os.Getpid() {
		panic("getpid")
	}
	fmt.Println("guest finished, patched calls:", calls)
}

// serve makes one HTTPS request to itself: sockets, epoll, crypto.
func serve() {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, tls.VersionName(r.TLS.Version))
	}))
	defer s.Close()
	r, err := s.Client().Get(s.URL)
	if err != nil || r.StatusCode != http.StatusOK {
		panic(fmt.Sprint("request: ", r, err))
	}
	r.Body.Close()
}

// run starts a process: clone with the child on the parent's stack.
func run() {
	out, err := exec.Command("/bin/echo", "child").Output()
	if err != nil || strings.TrimSpace(string(out)) != "child" {
		panic(fmt.Sprint("child: ", out, err))
	}
}

// churn makes threads, timers, garbage and preemption signals.
func churn() {
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread()
			var b []byte
			for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
				b = append(make([]byte, 0, 1<<16), b...)
				h := sha256.Sum256(b)
				b = append(b[:0], h[:]...)
			}
			time.Sleep(time.Millisecond)
		}()
	}
	runtime.GC()
	wg.Wait()
}
