package top

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// around is how many lines there are beside the cores'.
const around = 4

// room returns how many cores have room on the screen.
func (m model) room() int { return max(1, m.height-around) }

// View is tea.Model's.
func (m model) View() tea.View {
	v := tea.NewView(m.text())
	v.AltScreen = true
	v.WindowTitle = "barreleye top"
	return v
}

// text is the screen.
func (m model) text() string {
	if m.now == nil {
		return "asking " + m.o.Run + "..."
	}
	list := slices.Clone(m.rows)
	slices.SortStableFunc(list, func(a, b row) int {
		n := columns[m.sort].order(&a, &b)
		if m.reversed {
			return -n
		}
		return n
	})
	shown, left := m.fit(m.widths)
	lines := []string{m.headline(), faint(m.note(left)), ansi.Style{}.Reverse(true).Styled(m.cut(m.titles(shown)))}
	first := max(0, min(m.first, len(list)-m.room()))
	last := min(first+m.room(), len(list))
	for i := first; i < last; i++ {
		lines = append(lines, style(&list[i], m.cut(m.line(&list[i], shown))))
	}
	foot := "q quit  < > column  r reverse  n core  c CPU  s sent  m memory  g GC  space hold"
	if len(list) > m.room() {
		foot = fmt.Sprintf("cores %d to %d of %d, up and down for others  %s", first+1, last, len(list), foot)
	}
	return strings.Join(append(lines, faint(m.cut(foot))), "\n")
}

// headline says which run that is, and what all of its cores use together.
func (m model) headline() string {
	var busy, steal, sent float64
	living := 0
	for _, r := range m.rows {
		busy, steal, sent = busy+r.busy, steal+r.steal, sent+r.sent
		if !slices.Contains([]string{"exited", "crashed", "stopped"}, r.State) {
			living++
		}
	}
	platform := m.now.Platform
	if m.now.Flavour != "" {
		platform += fmt.Sprintf(" (%s)", m.now.Flavour)
	}
	up := time.Duration(m.now.UpMS * float64(time.Millisecond)).Truncate(time.Second)
	text := fmt.Sprintf("%s: %s on %s, up %v; %d of %d cores live; %.1f %%CPU, %.1f %%steal, %s messages/s",
		m.o.Run, m.o.Image, platform, up, living, len(m.rows), busy, steal, rate(sent))
	if m.paused {
		text += "; paused"
	}
	return m.cut(text)
}

func (m model) titles(shown []int) string {
	var b strings.Builder
	for _, i := range shown {
		mark := " "
		if i == m.sort {
			mark = "v"
			if m.reversed {
				mark = "^"
			}
		}
		m.pad(&b, i, mark+columns[i].title)
	}
	return b.String()
}

func (m model) line(r *row, shown []int) string {
	var b strings.Builder
	for _, i := range shown {
		m.pad(&b, i, " "+columns[i].text(r))
	}
	return b.String()
}

// pad appends a cell of a column, which begins with a place for a mark.
func (m model) pad(b *strings.Builder, i int, text string) {
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	width := m.widths[i] + 1
	if columns[i].left {
		width = -width
	}
	fmt.Fprintf(b, "%*s", width, text)
}

// cut fits a line to the screen.
func (m model) cut(line string) string { return ansi.Truncate(line, m.width, "…") }

// style shows by colour which cores need a look.
func style(r *row, line string) string {
	switch r.State {
	case "crashed", "no answer":
		return ansi.Style{}.ForegroundColor(ansi.Red).Styled(line)
	case "exited", "stopped", "parked":
		return faint(line)
	}
	return line
}

func faint(line string) string {
	if line == "" {
		return ""
	}
	return ansi.Style{}.Faint().Styled(line)
}
