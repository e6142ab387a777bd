package autopsy

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// How much of a record Show prints: a page.
const (
	shownFrames   = 16
	shownThreads  = 12
	shownChannels = 16
	shownLines    = 12
	shownTrace    = 16

	shownFrameMaps = 8

	shownDecisions = 16
	shownText      = 300 // of one piece of text, in characters
)

// Show prints the record on a page. Whatever it holds, no line of it changes how
// a terminal works.
func (r *Record) Show(w io.Writer) error {
	p := page{w: w}
	p.line("core %d, life %d of %s on %s, ended %s", r.Core, r.Life, clean(r.Image), clean(r.Platform), r.Ended.Format(time.RFC3339Nano))
	end, _, _ := strings.Cut(r.End, "; registers:") // which follow
	p.line("  %s", clean(end))
	if r.CoreFile != "" {
		p.line("  core file %s", clean(r.CoreFile))
	}
	p.threads(r.Threads)
	p.channels(r.Channels)
	if len(r.Counters) > 0 {
		p.line("counters")
		text := ""
		for i, c := range r.Counters[:min(len(r.Counters), 48)] {
			if text += fmt.Sprintf("  %s %d", clean(c.Name), c.Value); i%6 == 5 {
				p.line("%s", text)
				text = ""
			}
		}
		if text != "" {
			p.line("%s", text)
		}
	}
	if len(r.Maps) > 0 {
		p.line("memory")
		for _, m := range r.Maps[:min(len(r.Maps), 16)] {
			p.line("  %-12s %8d KiB in %d ranges from %s", clean(m.Kind), m.KiB, m.Ranges, clean(m.Start))
		}
	}
	p.tail("frames that were mapped", r.Frames, shownFrameMaps)
	p.tail("decisions that not all cores had confirmed", r.Decisions, shownDecisions)
	p.tail("last trace records", r.Trace, shownTrace)
	p.tail("last lines", r.Lines, shownLines)
	return p.err
}

// page writes lines until one fails.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// tail writes the last of some lines below a title.
func (p *page) tail(title string, lines []string, most int) {
	if len(lines) == 0 {
		return
	}
	p.line("%s", title)
	for _, l := range lines[max(0, len(lines)-most):] {
		p.line("  %s", clean(l))
	}
}

// threads writes the first thread with its registers and its stack, and the
// others in a line each.
func (p *page) threads(list []Thread) {
	for i, t := range list[:min(len(list), shownThreads)] {
		if i > 0 {
			p.line("%s%s: %s", name(t.TID), clean(t.What), clean(strings.Join(t.Stack[:min(len(t.Stack), 4)], " < ")))
			continue
		}
		p.line("%s%s", name(t.TID), clean(t.What))
		words := strings.Fields(cut(t.Registers, 1<<10))
		for len(words) > 0 {
			n := min(6, len(words))
			p.line("  %s", strings.Join(words[:n], " "))
			words = words[n:]
		}
		for _, f := range t.Stack[:min(len(t.Stack), shownFrames)] {
			p.line("    %s", clean(f))
		}
	}
	if n := len(list) - shownThreads; n > 0 {
		p.line("%d more threads", n)
	}
}

// name is how a thread is called, nothing for the CPU itself.
func name(tid int) string {
	if tid == 0 {
		return ""
	}
	return fmt.Sprintf("thread %d, ", tid)
}

// channels writes each direction of each channel, with its last message.
func (p *page) channels(list []Channel) {
	if len(list) == 0 {
		return
	}
	p.line("channels")
	for _, c := range list[:min(len(list), shownChannels)] {
		way := "from"
		if c.Sent {
			way = "to"
		}
		last := ""
		if n := len(c.Last); n > 0 {
			last = ", the last " + clean(c.Last[n-1])
		}
		p.line("  %s core %d, %s: %d messages, %d of them received%s", way, c.Peer, clean(c.Name), c.Messages, c.Taken, last)
	}
	if n := len(list) - shownChannels; n > 0 {
		p.line("  %d more", n)
	}
}

// clean makes text that may be anything fit for one line of a terminal.
func clean(s string) string { return cut(s, shownText) }

// cut does so for at most that many characters.
func cut(s string, most int) string {
	if len(s) > 4*most {
		s = s[:4*most]
	}
	var b strings.Builder
	n := 0
	for _, c := range strings.ToValidUTF8(s, "\uFFFD") {
		if n++; n > most {
			b.WriteString("...")
			break
		}
		switch {
		case c == '\t':
			c = ' '
		case !unicode.IsPrint(c):
			c = '\uFFFD'
		}
		b.WriteRune(c)
	}
	return b.String()
}
