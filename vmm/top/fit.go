package top

import (
	"slices"
	"strings"
)

// leave is the order in which columns leave a screen that is too narrow for all: what tells
// least first. CORE never does. TestLeave holds it against docs/reference/cli.md.
var leave = []string{
	"TICKS/s", "MAX", "PAUSE", "OF", "RSS", "GC", "HALTS/s", "LIFE", "IMAGE", "CPU", "RECV/s", "%STEAL", "MEM", "SENT/s", "STATE", "%CPU",
}

// fit returns which columns have room, by number, and the titles of those that have not. The
// one that the table is sorted by stays.
func (m model) fit(widths []int) (shown []int, left []string) {
	need := -1 // between columns is a space, and in each a place for a mark
	for i, w := range widths {
		shown = append(shown, i)
		need += 1 + 1 + w
	}
	for _, title := range leave {
		if need <= m.width {
			break
		}
		if i := titled(title); i != m.sort {
			shown = slices.DeleteFunc(shown, func(j int) bool { return j == i })
			left = append(left, title)
			need -= 1 + 1 + widths[i]
		}
	}
	return shown, left
}

// titled returns a column's number.
func titled(title string) int {
	return slices.IndexFunc(columns, func(c column) bool { return c.title == title })
}

// note says what has no room.
func (m model) note(left []string) string {
	if len(left) == 0 {
		return ""
	}
	return m.cut("no room for " + strings.Join(left, ", "))
}

// grown returns the columns' widths: once a column is wide it stays so, or others would come
// and go with every figure.
func grown(was []int, rows []row) []int {
	widths := make([]int, len(columns))
	copy(widths, was)
	for i, c := range columns {
		widths[i] = max(widths[i], len(c.title))
		for j := range rows {
			widths[i] = max(widths[i], len(c.text(&rows[j])))
		}
	}
	return widths
}
