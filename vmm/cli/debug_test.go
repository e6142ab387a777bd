package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"barreleye/vmm/runs"
)

// debugPatience bounds what a test waits for debug and what it says.
const debugPatience = time.Minute

// awaitingGDB is a debug that waits for gdb.
type awaitingGDB struct {
	t             *testing.T
	cmd           *exec.Cmd
	stdout        *bufio.Reader
	stderr        bytes.Buffer
	cores, listen string // as it has printed
}

// debug starts debug, and returns once it has said where it waits.
func (l *living) debug(args ...string) *awaitingGDB {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), debugPatience)
	d := &awaitingGDB{t: l.t, cmd: exec.CommandContext(ctx, l.binary, append([]string{"debug"}, args...)...)}
	d.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+l.state)
	d.cmd.Stderr = &d.stderr
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		cancel()
		d.cmd.Wait()
	})
	d.stdout = bufio.NewReader(out)
	line, err := d.stdout.ReadString('\n')
	found := regexp.MustCompile(`^(.*) stopped: gdb -ex 'target remote ([0-9.]+:[0-9]+)' PROGRAM\n$`).FindStringSubmatch(line)
	if found == nil {
		cancel()
		d.cmd.Wait()
		l.t.Fatalf("debug %v: %q, %v: %s", args, line, err, &d.stderr)
	}
	d.cores, d.listen = found[1], found[2]
	return d
}

// dial connects as gdb does.
func (d *awaitingGDB) dial() net.Conn {
	d.t.Helper()
	conn, err := net.DialTimeout("tcp", d.listen, debugPatience)
	if err != nil {
		d.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(debugPatience))
	d.t.Cleanup(func() { conn.Close() })
	return conn
}

// exchange sends what gdb does, and wants an answer, to which a checksum belongs.
func (d *awaitingGDB) exchange(conn net.Conn, packet, want string) {
	d.t.Helper()
	if _, err := io.WriteString(conn, packet); err != nil {
		d.t.Fatal(err)
	}
	var sum byte
	for _, c := range []byte(strings.Trim(want, "+$#")) {
		sum += c
	}
	want += fmt.Sprintf("%02x", sum)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); string(got[:n]) != want {
		d.t.Fatalf("%s: %q, %v; want %q", packet, got[:n], err, want)
	}
}

// ends wants debug to end with a code, and without another word but a text on stderr.
func (d *awaitingGDB) ends(code int, stderr string) {
	d.t.Helper()
	rest, _ := io.ReadAll(d.stdout)
	d.cmd.Wait()
	if got := d.cmd.ProcessState.ExitCode(); got != code {
		d.t.Errorf("debug ended with %d (%v), want %d", got, d.cmd.ProcessState, code)
	}
	if len(rest) > 0 || d.stderr.String() != stderr {
		d.t.Errorf("debug said %q and %q, want %q", rest, &d.stderr, stderr)
	}
}

// What gdb says, and what it gets.
const (
	askWhy, cores0    = "+$?#3f", "+$T05thread:1;core:0;#"
	core1             = "+$T05thread:2;core:1;#"
	detach, detached  = "$D#44", "+$OK#"
	thisIsNoGDB       = "GET / HTTP/1.1\r\n"
	interruptedStatus = 128 + int(syscall.SIGINT)
)

// TestDebugListens: debug waits for one gdb where it says, and the cores that it stopped
// go on however that ends.
func TestDebugListens(t *testing.T) {
	needKVM(t)
	l := begin(t, t.TempDir(), "--platform", "kvm", "--cores", "2")
	l.up(2)
	interrupt := func(d *awaitingGDB) { d.cmd.Process.Signal(syscall.SIGINT) }
	for _, c := range []struct {
		name  string
		args  []string
		cores string
		leave func(d *awaitingGDB)
		code  int
	}{
		{"gdb is left", nil, "cores 0, 1", func(d *awaitingGDB) {
			conn := d.dial()
			d.exchange(conn, askWhy, cores0)
			if second, err := net.Dial("tcp", d.listen); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("a second debugger: %v, %v", second, err)
			}
			conn.Close()
		}, 0},
		{"gdb detaches", []string{"--core", "1", "--listen", "127.0.0.2:0"}, "core 1", func(d *awaitingGDB) {
			if !strings.HasPrefix(d.listen, "127.0.0.2:") {
				t.Errorf("it waits on %s", d.listen)
			}
			conn := d.dial()
			d.exchange(conn, askWhy, core1)
			d.exchange(conn, "+"+detach, detached)
		}, 0},
		{"a stranger comes", nil, "cores 0, 1", func(d *awaitingGDB) {
			conn := d.dial()
			io.WriteString(conn, thisIsNoGDB)
			if got, err := io.ReadAll(conn); len(got) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a stranger was told %q, %v", got, err)
			}
		}, 0},
		{"SIGINT before gdb", nil, "cores 0, 1", interrupt, interruptedStatus},
		{"SIGINT with gdb", []string{"--listen", "127.0.0.1:0"}, "cores 0, 1", func(d *awaitingGDB) {
			d.exchange(d.dial(), askWhy, cores0)
			interrupt(d)
		}, interruptedStatus},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := *l
			l.t = t
			d := l.debug(c.args...)
			if d.cores != c.cores {
				t.Errorf("it stopped %s, want %s", d.cores, c.cores)
			}
			if out, _ := l.do(0, "ps"); strings.Count(out, " held") != strings.Count(c.cores, "0")+strings.Count(c.cores, "1") {
				t.Errorf("while %s should stand:\n%s", c.cores, out)
			}
			c.leave(d)
			d.ends(c.code, "")
			l.up(2)
			if out, _ := l.do(0, "stacks"); strings.Count(out, "main.main(") != 2 { // which the programs answer
				t.Errorf("stacks afterwards:\n%s", out)
			}
		})
	}
	t.Run("the run ends", func(t *testing.T) {
		l := *l
		l.t = t
		list, err := runs.Living(filepath.Join(l.state, "barreleye", "runs"))
		if err != nil || len(list) != 1 {
			t.Fatalf("runs that live: %v, %v", list, err)
		}
		d := l.debug()
		l.do(0, "shutdown", "--now")
		d.ends(CodeRefused, strings.ReplaceAll("barreleye: debug: run ID has ended before gdb came: 'barreleye logs ID' shows its lines\n", "ID", list[0].ID))
	})
}

// TestDebugAddresses: of an address that debug cannot have it says why, what to give, and
// stops nothing.
func TestDebugAddresses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, why := range map[string]string{
		"nowhere":               "missing port in address",
		"localhost:99999":       "invalid port",
		"192.0.2.1:0":           "cannot assign requested address",
		taken.Addr().String():   "address already in use",
		"unix:/tmp/barreleye:0": "too many colons in address",
	} {
		got := inProcess("", "debug", "--listen", address)
		prefix, next := "barreleye: debug: --listen "+address+": ", ": give a free address of this machine such as localhost:1234\n"
		if got.code != CodeUsage || got.out != "" || !strings.HasPrefix(got.err, prefix) || !strings.Contains(got.err, why) || !strings.HasSuffix(got.err, next) {
			t.Errorf("%s: code %d, %q; want %d and %q", address, got.code, got.err, CodeUsage, why)
		}
	}
}
