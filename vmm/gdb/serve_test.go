package gdb

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestTranscripts plays gdb's side of testdata/*.txt and compares the target's and the
// server's. A line "> PACKET" is what gdb sends, "< PACKET" the answer, "^C" an
// interrupt, and "= ..." what the target was asked for; "! CORE WHY [CODE], ..." is
// what happens at the next resume, "~ ..." the same where gdb is not to be told. "cores
// N N" begins.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want) {
				t.Errorf("played:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// play returns the script with the answers that come.
func play(t *testing.T, script string) string {
	var out strings.Builder
	var target *cores
	var gdb net.Conn
	var r *bufio.Reader
	served := make(chan error, 1)
	next, told := [][]Stop{}, false
	answer := func() {
		in, err := scan(r)
		if err != nil {
			fmt.Fprintf(&out, "< (%v)\n", err)
			return
		}
		if in.broken {
			t.Errorf("answer with a wrong checksum: %q", in.data)
		}
		fmt.Fprintf(&out, "< %s\n", in.data)
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		head, rest, _ := strings.Cut(line, " ")
		switch head {
		case "<", "=":
			continue
		}
		fmt.Fprintln(&out, line)
		switch head {
		case "cores":
			var list []int
			for _, word := range strings.Fields(rest) {
				var n int
				fmt.Sscan(word, &n)
				list = append(list, n)
			}
			target = newCores(list...)
			target.resumed = func(_, _ []int) []Stop {
				if len(next) == 0 {
					return nil
				}
				stops := next[0]
				next = next[1:]
				return stops
			}
			var server net.Conn
			gdb, server = net.Pipe()
			r = bufio.NewReader(gdb)
			go func() {
				served <- Serve(server, target)
				server.Close()
			}()
		case "!", "~":
			if told = head == "!"; rest == "" {
				continue // what has happened already is told
			}
			var stops []Stop
			for one := range strings.SplitSeq(rest, ",") {
				var s Stop
				var why string
				fmt.Sscan(one, &s.Core, &why, &s.Code)
				s.Why = map[string]Why{"breakpoint": AtBreakpoint, "stepped": Stepped, "trapped": Trapped, "exit": ByExit, "crash": ByCrash}[why]
				stops = append(stops, s)
			}
			next = append(next, stops)
		case ">":
			silent := rest == "k" // and what lets cores go where nothing happens then
			resumes := strings.HasPrefix(rest, "vCont;") || rest == "c" || rest == "s"
			silent = silent || resumes && !told
			if _, err := gdb.Write(frame([]byte(rest))); err != nil {
				t.Fatal(err)
			}
			if ack, err := r.ReadByte(); err != nil || ack != '+' {
				t.Fatalf("%s: %q instead of an acknowledgement, %v", rest, ack, err)
			}
			if !silent {
				answer()
				if _, err := gdb.Write([]byte{'+'}); err != nil && !errors.Is(err, io.ErrClosedPipe) {
					t.Fatal(err)
				}
			}
			if resumes {
				told = false
			}
			if silent && rest != "k" {
				// served in order: this answer comes when the resume is done
				if _, err := gdb.Write(frame([]byte("qC"))); err != nil {
					t.Fatal(err)
				}
				r.ReadByte()
				scan(r)
			}
		case "^C":
			if _, err := gdb.Write([]byte{interruptByte}); err != nil {
				t.Fatal(err)
			}
			answer()
		case "end":
			gdb.Close()
			fmt.Fprintf(&out, "= %v\n", <-served)
		default:
			continue
		}
		if head == "end" || head == "^C" || head == ">" && !strings.HasPrefix(rest, "D") && rest != "k" {
			if log := target.took(); log != "" {
				fmt.Fprintf(&out, "= %s\n", log)
			}
		}
	}
	return out.String()
}

// TestAcknowledge: packets are acknowledged until gdb asks for none of it, broken ones
// asked for again, and answers sent again where gdb has not got them.
func TestAcknowledge(t *testing.T) {
	target := newCores(0)
	var got bytes.Buffer
	in := "+$qC#b4" + "$qC#00" + "-" + "$QStartNoAckMode#b0" + "$qC#b4" + "$D#44"
	err := Serve(pipe{strings.NewReader(in), &got}, target)
	if err != nil {
		t.Error(err)
	}
	if want := "+$QC1#c5" + "-" + "$QC1#c5" + "+$OK#9a" + "$QC1#c5" + "$OK#9a"; got.String() != want {
		t.Errorf("sent %q, want %q", got.String(), want)
	}
	if log := target.took(); log != "detach" {
		t.Errorf("the target was asked for %q", log)
	}
	for _, bad := range []string{"GET / HTTP/1.0\r\n", "$" + strings.Repeat("m", maxPacket+2)} {
		if err := Serve(pipe{strings.NewReader(bad), io.Discard}, newCores(0)); !errors.Is(err, ErrProtocol) {
			t.Errorf("%.9q: %v, want ErrProtocol", bad, err)
		}
	}
	target = newCores(0)
	if err := Serve(pipe{strings.NewReader("$qC#b4"), io.Discard}, target); !errors.Is(err, io.EOF) || target.took() != "detach" {
		t.Errorf("lost connection: %v", err)
	}
}

type pipe struct {
	io.Reader
	io.Writer
}

// TestFrame: what cannot stand in a packet is escaped, and comes out of scan as it was.
func TestFrame(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	packet := frame(all)
	if bytes.ContainsAny(packet[1:len(packet)-3], "#$*") {
		t.Errorf("not escaped: %q", packet)
	}
	in, err := scan(bufio.NewReader(bytes.NewReader(packet)))
	if err != nil || in.broken || !bytes.Equal(in.data, all) {
		t.Errorf("%+v, %v", in, err)
	}
}

// TestDescription: target.xml comes in pieces, and its registers are as long as g.
func TestDescription(t *testing.T) {
	s := &server{target: newCores(0)}
	var text string
	for {
		answer, _ := s.serve(fmt.Sprintf("qXfer:features:read:target.xml:%x,400", len(text)))
		text += answer[1:]
		if answer[0] == 'l' {
			break
		}
	}
	if text != description {
		t.Errorf("%d bytes in pieces, %d at once", len(text), len(description))
	}
	bits := 0
	for _, r := range registers {
		bits += r.bits
	}
	if g := s.readRegisters(); len(g) != bits/4 {
		t.Errorf("g has %d digits for %d bits", len(g), bits)
	}
	if n := strings.Count(text, "<reg "); n != len(registers) {
		t.Errorf("%d registers in target.xml, %d in g", n, len(registers))
	}
}

// FuzzServe: whatever comes, Serve ends when the connection does, and has detached.
func FuzzServe(f *testing.F) {
	for _, packet := range []string{"?", "g", "G00", "p10", "P10=0010400000000000", "m1000,10", "M1000,2:4142", "Z0,401000,1", "z0,401000,1",
		"vCont;s:1;c", "vCont?", "Hg2", "Hc-1", "T1", "qfThreadInfo", "qThreadExtraInfo,1", "qSupported:swbreak+", "qXfer:features:read:target.xml:0,100", "D", "k", "c", "s"} {
		f.Add(append(frame([]byte(packet)), frame([]byte("g"))...), byte(1))
	}
	f.Add([]byte("+$vCont;c#a8\x03$g#67"), byte(0))
	f.Fuzz(func(t *testing.T, in []byte, happens byte) {
		target := newCores(0, 1)
		target.resumed = func(step, run []int) []Stop {
			for _, core := range append(step, run...) {
				if core != 0 && core != 1 {
					t.Errorf("core %d let go", core)
				}
			}
			return []Stop{{Core: int(happens & 1), Why: Why(happens >> 1 % 5)}}
		}
		_ = Serve(pipe{bytes.NewReader(in), io.Discard}, target)
		if log := target.took(); !strings.HasSuffix(log, "detach") {
			t.Errorf("not detached: %s", log)
		}
	})
}
