package hosted

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/vmm/postmortem"

	"golang.org/x/sys/unix"
)

// ErrOver says that there is nothing to look at: the process has ended.
var ErrOver = errors.New("its life is over")

// Look has all threads of the process stand still, shows them, and lets them go on. It
// is their debugger for that time, so nobody else may be. ErrOver where the process ends
// meanwhile, by whatever reason.
func (p *Process) Look(show func(postmortem.Remains)) error {
	runtime.LockOSThread() // Linux obeys the thread that attached
	defer runtime.UnlockOSThread()
	s := &still{p: p, signals: map[int]int{}}
	defer s.release()
	err := s.seize()
	if err == nil {
		show(s)
		var r unix.PtraceRegs
		err = unix.PtraceGetRegs(s.pid, &r)
	}
	switch {
	case errors.Is(err, unix.ESRCH):
		p.mu.Lock()
		p.dying = true
		p.mu.Unlock()
		return ErrOver
	case err != nil:
		return fmt.Errorf("core %d: process %d: look: %w: permit ptrace (sysctl kernel.yama.ptrace_scope below 3), and detach any other debugger", p.cfg.Core, s.pid, err)
	}
	return nil
}

// still is a process that stands still, and what there is to see of it.
type still struct {
	p       *Process
	pid     int
	tids    []int
	signals map[int]int // that threads are to get when they go on
	mem     *os.File    // its memory
	pages   *os.File    // /proc/PID/pagemap
	ranges  []mapping
	region  uint64 // inode of the shared region
	shared  []bool // its pages that are backed
}

// mapping is a range as /proc/PID/maps has it.
type mapping struct {
	postmortem.Range
	inode  uint64 // of the file that it is of, 0 for memory of the process's own
	offset uint64 // in the file
}

// seize attaches to all threads, those that others start meanwhile included, and opens
// what is read later. The process cannot be waited for before that.
func (s *still) seize() error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.pid = s.p.pid; s.pid == 0 || s.p.dying {
		return unix.ESRCH
	}
	for again := true; again; {
		again = false
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.pid))
		if err != nil {
			return unix.ESRCH
		}
		for _, e := range entries {
			tid, _ := strconv.Atoi(e.Name())
			if slices.Contains(s.tids, tid) {
				continue
			}
			if err := s.stop(tid); err == nil {
				again = true
				s.tids = append(s.tids, tid)
			} else if tid == s.pid || !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	var e1, e2, e3 error
	var st unix.Stat_t
	if err := unix.Fstat(s.p.region.Descriptor(), &st); err != nil {
		return err
	}
	s.region = st.Ino
	s.mem, e1 = os.Open(fmt.Sprintf("/proc/%d/mem", s.pid))
	s.pages, e2 = os.Open(fmt.Sprintf("/proc/%d/pagemap", s.pid))
	s.ranges, e3 = readMaps(s.pid, s.region)
	return errors.Join(e1, e2, e3)
}

// stop attaches to one thread and has it stand.
func (s *still) stop(tid int) error {
	if err := unix.PtraceSeize(tid); err != nil {
		if dead(s.pid, tid) {
			return unix.ESRCH // Linux says EPERM
		}
		return err
	}
	if err := unix.PtraceInterrupt(tid); err != nil {
		s.reap(tid)
		return err
	}
	// It is Run that waits for ends.
	var info unix.Siginfo
	err := retry(func() error { return unix.Waitid(unix.P_PID, tid, &info, unix.WSTOPPED|unix.WALL, nil) })
	switch {
	case errors.Is(err, unix.ECHILD):
		s.reap(tid)
		return unix.ESRCH
	case err != nil:
		return err
	}
	if status := statusOf(&info); status>>8 != unix.PTRACE_EVENT_STOP { // a signal came first
		s.signals[tid] = status
	}
	return nil
}

// release lets all threads go on.
func (s *still) release() {
	for _, tid := range s.tids {
		if detach(tid, s.signals[tid]) != nil {
			s.reap(tid)
		}
	}
	for _, f := range []*os.File{s.mem, s.pages} {
		if f != nil {
			f.Close()
		}
	}
}

// reap lets a thread go that was killed: who attached has to, before the process can be
// waited for. The first thread is Run's.
func (s *still) reap(tid int) {
	if tid != s.pid {
		_ = retry(func() error { return unix.Waitid(unix.P_PID, tid, nil, unix.WEXITED|unix.WALL, nil) })
	}
}

// dead reports whether a thread has ended.
func dead(pid, tid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
	_, state, ok := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
	return err != nil || !ok || state[0] == 'Z' || state[0] == 'X'
}

// Threads is postmortem.Remains.Threads: one that runs first.
func (s *still) Threads() (list []postmortem.Thread) {
	for _, tid := range s.tids {
		var r unix.PtraceRegs
		if unix.PtraceGetRegs(tid, &r) != nil {
			continue // it was killed
		}
		t := postmortem.Thread{TID: tid, What: "running", Regs: postmortem.Registers{
			RAX: r.Rax, RBX: r.Rbx, RCX: r.Rcx, RDX: r.Rdx, RSI: r.Rsi, RDI: r.Rdi, RBP: r.Rbp,
			R8: r.R8, R9: r.R9, R10: r.R10, R11: r.R11, R12: r.R12, R13: r.R13, R14: r.R14, R15: r.R15,
			RIP: r.Rip, CS: r.Cs, RFLAGS: r.Eflags, RSP: r.Rsp, SS: r.Ss, FSBase: r.Fs_base, GSBase: r.Gs_base,
		}, Vector: vectorOf(tid)}
		if int64(r.Orig_rax) >= 0 {
			if t.What = postmortem.Blocked(r.Orig_rax); t.What == "" {
				t.What = fmt.Sprintf("in system call %d", r.Orig_rax)
			}
		}
		list = append(list, t)
	}
	slices.SortStableFunc(list, func(a, b postmortem.Thread) int { return order(a) - order(b) })
	return list
}

func order(t postmortem.Thread) int {
	if t.What == "running" {
		return 0
	}
	return 1
}

// Ranges is postmortem.Remains.Ranges.
func (s *still) Ranges() (list []postmortem.Range) {
	for _, m := range s.ranges {
		list = append(list, m.Range)
	}
	return list
}

// ReadAt is postmortem.Remains.ReadAt.
func (s *still) ReadAt(b []byte, va uint64) int {
	n, _ := s.mem.ReadAt(b, int64(va))
	return n
}

const kindRegion = "region"

// Bits of a word of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst).
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
)

// Backed is postmortem.Remains.Backed.
func (s *still) Backed(va uint64) bool {
	i, ok := slices.BinarySearchFunc(s.ranges, va, func(m mapping, va uint64) int {
		switch {
		case m.End <= va:
			return -1
		case m.Start > va:
			return 1
		}
		return 0
	})
	if !ok {
		return false
	}
	switch m := &s.ranges[i]; {
	case m.Kind == kindRegion:
		if s.shared == nil {
			s.shared = s.p.region.Backed()
		}
		page := (m.offset + va - m.Start) / layout.PageSize
		return page < uint64(len(s.shared)) && s.shared[page]
	case m.inode != 0:
		return true
	}
	var word [8]byte
	if n, _ := s.pages.ReadAt(word[:], int64(va/layout.PageSize*8)); n != len(word) {
		return true // where nobody tells, it is read
	}
	return binary.LittleEndian.Uint64(word[:])&(pagePresent|pageSwapped) != 0
}

// readMaps reads what of a process's memory can be read (proc_pid_maps(5)). region is
// the inode of the shared region.
func readMaps(pid int, region uint64) (list []mapping, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if m, ok := parseMapping(lines.Text(), region); ok {
			list = append(list, m)
		}
	}
	return list, lines.Err()
}

// parseMapping parses a line of it; ok is false where nothing of it can be read.
func parseMapping(line string, region uint64) (m mapping, ok bool) {
	var prot, dev string
	n, _ := fmt.Sscanf(line, "%x-%x %s %x %s %d", &m.Start, &m.End, &prot, &m.offset, &dev, &m.inode)
	if n != 6 || m.Start >= m.End || m.Start>>47 != 0 {
		return m, false // the last is vsyscall, which the kernel emulates
	}
	for i, c := range "rwx" {
		if len(prot) > i && rune(prot[i]) == c {
			m.Prot |= 1 << i
		}
	}
	name := ""
	if fields := strings.Fields(line); len(fields) > 5 {
		name = fields[5]
	}
	switch memory := strings.HasPrefix(name, "/memfd:"); {
	case strings.HasPrefix(name, "[vvar"):
		return m, false // the kernel's clocks, which a debugger cannot read
	case memory && m.inode == region:
		m.Kind = kindRegion
	case m.inode != 0 && m.Prot&boot.Exec != 0, name == "[vdso]":
		m.Kind = "text"
	case m.inode != 0:
		m.Kind = "file"
	case name == "[stack]":
		m.Kind = "stack"
	default:
		m.Kind = "anon"
	}
	return m, m.Prot&boot.Read != 0
}
