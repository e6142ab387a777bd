package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The sandbox cannot be left, so each test has a process of its own, which is this binary.
const (
	roleVariable   = "BARRELEYE_SANDBOX_ROLE"
	folderVariable = "BARRELEYE_SANDBOX_FOLDER"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		play(role, os.Getenv(folderVariable))
		return
	}
	os.Exit(m.Run())
}

// attempts are what nobody in the sandbox may do, and what each role may.
var attempts = []struct {
	name    string
	allowed []string
	try     func(folder string) error
}{
	{"start a program", []string{"processes"}, func(string) error { return exec.Command("/bin/true").Run() }},
	{"open a socket", nil, func(string) error { return closing(unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)) }},
	{"connect to a port", nil, func(string) error {
		c, err := net.Dial("tcp", "127.0.0.1:9")
		if err == nil {
			c.Close()
		} else if errors.Is(err, unix.ECONNREFUSED) {
			err = nil // nobody is there, which is as far as one can get
		}
		return err
	}},
	{"read a file elsewhere", []string{"processes", "core"}, func(string) error { return closing(unix.Open("/etc/passwd", unix.O_RDONLY, 0)) }},
	{"make a file elsewhere", []string{"processes", "core"}, func(folder string) error {
		return os.WriteFile(folder+".elsewhere", nil, 0o600)
	}},
	{"make a file in the folder", []string{"guests", "processes", "core"}, func(folder string) error {
		return os.WriteFile(filepath.Join(folder, "file"), []byte("x"), 0o600)
	}},
	{"rename one there", []string{"guests", "processes", "core"}, func(folder string) error {
		return os.Rename(filepath.Join(folder, "file"), filepath.Join(folder, "another"))
	}},
	{"remove one there", []string{"guests", "processes", "core"}, func(folder string) error {
		return os.Remove(filepath.Join(folder, "another"))
	}},
	{"read about a thread", []string{"guests", "processes", "core"}, func(string) error {
		_, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", unix.Gettid()))
		return err
	}},
	{"make memory that is executed", nil, func(string) error {
		b, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err == nil {
			err = unix.Munmap(b)
		}
		return err
	}},
	{"make a thread", []string{"guests", "processes", "core"}, func(string) error {
		done := make(chan bool)
		go func() {
			runtime.LockOSThread() // whose thread ends with it: the next has to be made
			done <- true
		}()
		<-done
		return nil
	}},
	{"signal the parent", nil, func(string) error { return unix.Kill(os.Getppid(), 0) }},
	{"trace the parent", nil, func(string) error { return unix.PtraceSeize(os.Getppid()) }},
	{"read the parent's memory", nil, func(string) error {
		var b [1]byte
		_, err := unix.ProcessVMReadv(os.Getppid(), []unix.Iovec{{Base: &b[0], Len: 1}}, []unix.RemoteIovec{{Base: 4096, Len: 1}}, 0)
		if errors.Is(err, unix.EFAULT) {
			err = nil // it may, but there is nothing
		}
		return err
	}},
	{"make a namespace", nil, func(string) error { return unix.Unshare(unix.CLONE_NEWUSER) }},
	{"load a module", nil, func(string) error { return unix.InitModule([]byte{0}, "") }},
	{"use another device's ioctl", nil, func(string) error { return ioctl(unix.BLKSSZGET) }},
	{"ask a device of KVM's", []string{"guests", "processes"}, func(string) error {
		const version = 0xAE00 // KVM_GET_API_VERSION
		if err := ioctl(version); !errors.Is(err, unix.ENOTTY) {
			return err
		}
		return nil // what was asked is no such device
	}},
}

func ioctl(request uint) error {
	_, err := unix.IoctlGetInt(2, request)
	return err
}

func closing(fd int, err error) error {
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// play enters the sandbox as the role wants it, and prints what was refused.
func play(role, folder string) {
	var err error
	switch role {
	case "guests", "processes":
		_, err = Enter(Config{Processes: role == "processes", Folder: folder})
	case "core":
		runtime.LockOSThread() // for good: this thread alone is held
		err = Core()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, a := range attempts {
		err := a.try(folder)
		refused := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
		if role == "core" && a.name == "start a program" {
			continue // by threads that are not held
		}
		fmt.Printf("%s: %v\n", a.name, refused)
	}
	if role == "guests" || role == "processes" {
		text, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(text)) {
			for _, field := range []string{"CapEff", "CapPrm", "CapInh", "NoNewPrivs", "Seccomp"} {
				if name, value, _ := strings.Cut(line, ":"); name == field {
					fmt.Printf("%s: %s\n", name, strings.TrimSpace(value))
				}
			}
		}
	}
}

// TestEnter: what a run needs no more is refused, and the rest is not. Outside of the
// sandbox nothing of it is refused to root.
func TestEnter(t *testing.T) {
	held := Offered()
	for _, role := range []string{"guests", "processes", "core", "outside"} {
		t.Run(role, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "run")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), roleVariable+"="+role, folderVariable+"="+folder)
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
			text, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			got := map[string]string{}
			for line := range strings.Lines(string(text)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				got[name] = value
			}
			for _, a := range attempts {
				if got[a.name] == "" {
					continue
				}
				refused := !slices.Contains(a.allowed, role)
				switch {
				case role == "outside":
					if os.Getuid() != 0 || a.name == "load a module" || a.name == "make a namespace" || strings.Contains(a.name, "the parent") {
						continue // may be refused for other reasons
					}
					refused = false
				case role == "processes" && held.Landlock < oneDomain && (a.name == "signal the parent" || a.name == "trace the parent"):
					continue // whom it may signal, and look at, is not told apart
				case !held.Seccomp, held.Landlock < 6 && (strings.HasSuffix(a.name, "elsewhere") || a.name == "signal the parent"):
					continue
				}
				if got[a.name] != fmt.Sprint(refused) {
					t.Errorf("%s: refused %s, want %v", a.name, got[a.name], refused)
				}
			}
			if role == "guests" || role == "processes" {
				capabilities := "0000000000000000"
				if role == "processes" && os.Getuid() == 0 {
					capabilities = "0000000080000000" // CAP_SETFCAP
				}
				for name, want := range map[string]string{"CapEff": capabilities, "CapPrm": capabilities, "CapInh": "0000000000000000", "NoNewPrivs": "1"} {
					if got[name] != want {
						t.Errorf("%s is %q, want %s", name, got[name], want)
					}
				}
			}
		})
	}
}
