package gdb

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Answers to what cannot be done, and to what was. An empty one means "unknown".
const (
	refused = "E01"
	done    = "OK"
)

// serve answers one packet; silent means that the answer comes when a core stops, or
// never.
func (s *server) serve(packet string) (answer string, silent bool) {
	if packet == "" {
		return "", false
	}
	rest := packet[1:]
	switch packet[0] {
	case '?':
		return s.reason(), false
	case 'D':
		s.left = true
		return done, false
	case 'k':
		s.left = true
		return "", true
	case 'H':
		return s.choose(rest), false
	case 'T':
		core, ok := parseThread(rest)
		if !ok || !slices.Contains(s.target.Cores(), core) {
			return refused, false
		}
		return done, false
	case 'q', 'Q':
		return s.query(packet), false
	case 'v':
		return s.verbose(packet)
	}
	if len(s.running) > 0 {
		return refused, false // the cores run
	}
	switch packet[0] {
	case 'g':
		return s.readRegisters(), false
	case 'G':
		return s.writeRegisters(rest), false
	case 'p':
		return s.readRegister(rest), false
	case 'P':
		return s.writeRegister(rest), false
	case 'm':
		return s.readMemory(rest), false
	case 'M':
		return s.writeMemory(rest), false
	case 'Z', 'z':
		return s.breakpoint(packet[0] == 'Z', rest), false
	case 'c', 's', 'C', 'S':
		return s.goOn(packet[0] == 's' || packet[0] == 'S')
	}
	return "", false
}

// choose serves Hg and Hc, which say what core others are about.
func (s *server) choose(rest string) string {
	if rest == "" {
		return refused
	}
	core, ok := parseThread(rest[1:])
	if core < 0 && ok { // any, or all
		if rest[0] == 'c' {
			s.chosen = -1
		}
		return done
	}
	if !ok || !slices.Contains(s.target.Cores(), core) {
		return refused
	}
	if rest[0] == 'c' {
		s.chosen = core
	} else {
		s.looked = core
	}
	return done
}

// goOn serves c and s.
func (s *server) goOn(step bool) (string, bool) {
	cores := s.target.Cores()
	if !step {
		return s.resume(nil, cores)
	}
	core := s.chosen
	if core < 0 {
		core = s.looked
	}
	return s.resume([]int{core}, slices.DeleteFunc(cores, func(other int) bool { return other == core }))
}

// query serves what begins with q and Q.
func (s *server) query(packet string) string {
	name, rest, _ := strings.Cut(packet, ":")
	name, thread, _ := strings.Cut(name, ",")
	switch name {
	case "qSupported":
		s.swbreak = slices.Contains(strings.Split(rest, ";"), "swbreak+")
		return fmt.Sprintf("PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;swbreak+;vContSupported+", maxPacket)
	case "QStartNoAckMode":
		s.noAck = true
		return done
	case "qAttached":
		return "1" // so that gdb detaches when it is left
	case "qC":
		return fmt.Sprintf("QC%x", threadOf(s.looked))
	case "qfThreadInfo":
		var list []string
		for _, core := range s.target.Cores() {
			list = append(list, strconv.FormatInt(int64(threadOf(core)), 16))
		}
		if len(list) == 0 {
			return "l"
		}
		return "m" + strings.Join(list, ",")
	case "qsThreadInfo":
		return "l"
	case "qThreadExtraInfo":
		core, ok := parseThread(thread)
		if !ok || core < 0 {
			return refused
		}
		return hex.EncodeToString(fmt.Appendf(nil, "core %d", core))
	case "qSymbol":
		return done
	case "qXfer":
		return s.transfer(rest)
	}
	return ""
}

// transfer serves qXfer:features:read:target.xml:OFFSET,LENGTH.
func (s *server) transfer(rest string) string {
	span, ok := strings.CutPrefix(rest, "features:read:target.xml:")
	if !ok {
		return ""
	}
	at, n, ok := parsePair(span)
	if !ok || at > uint64(len(description)) {
		return refused
	}
	left := description[at:]
	if n = min(n, maxPacket/2); n < uint64(len(left)) {
		return "m" + left[:n]
	}
	return "l" + left
}

// verbose serves what begins with v.
func (s *server) verbose(packet string) (answer string, silent bool) {
	name, rest, _ := strings.Cut(packet, ";")
	switch name {
	case "vCont?":
		return "vCont;c;C;s;S", false
	case "vCont":
		if len(s.running) > 0 {
			return refused, false
		}
		return s.vCont(rest)
	case "vKill":
		s.left = true
		return done, false
	}
	return "", false
}

// vCont serves "ACTION[:THREAD];...": for each core the leftmost that is about it counts.
func (s *server) vCont(rest string) (answer string, silent bool) {
	var step, run []int
	left := s.target.Cores()
	for action := range strings.SplitSeq(rest, ";") {
		what, thread, about := strings.Cut(action, ":")
		core, ok := parseThread(thread)
		if what == "" || about && !ok {
			return refused, false
		}
		var cores []int
		if !about || core < 0 {
			cores, left = left, nil
		} else if i := slices.Index(left, core); i >= 0 {
			cores, left = []int{core}, slices.Delete(left, i, i+1)
		}
		switch what[0] {
		case 'c', 'C':
			run = append(run, cores...)
		case 's', 'S':
			step = append(step, cores...)
		default:
			return refused, false
		}
	}
	return s.resume(step, run)
}

// breakpoint serves Z and z: "0,ADDRESS,KIND" sets or removes a breakpoint. Others than
// those that are instructions there are not.
func (s *server) breakpoint(set bool, rest string) string {
	span, ok := strings.CutPrefix(rest, "0,")
	if !ok {
		return ""
	}
	span, _, _ = strings.Cut(span, ";")
	va, _, ok := parsePair(span)
	if !ok {
		return refused
	}
	change := s.target.Remove
	if set {
		change = s.target.Insert
	}
	if change(va) != nil {
		return refused
	}
	return done
}

// parseThread reads a thread's number as the core that it stands for; "0" and "-1" are
// below 0.
func parseThread(text string) (core int, ok bool) {
	if text == "-1" {
		return -1, true
	}
	n, err := strconv.ParseUint(text, 16, 31)
	return int(n) - 1, err == nil
}

// parsePair reads "A,B" in hexadecimal.
func parsePair(text string) (a, b uint64, ok bool) {
	first, second, _ := strings.Cut(text, ",")
	a, err1 := strconv.ParseUint(first, 16, 64)
	b, err2 := strconv.ParseUint(second, 16, 64)
	return a, b, err1 == nil && err2 == nil
}
