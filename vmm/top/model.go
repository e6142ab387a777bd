package top

import (
	"context"
	"errors"
	"io"
	"time"

	"barreleye/vmm/multikernel"

	tea "charm.land/bubbletea/v2"
)

// Options say what is shown, and where.
type Options struct {
	Run      string // its name
	Image    string
	Interval time.Duration
	Look     func() (*multikernel.Report, error) // asks the run how it is
	In       io.Reader
	Out      io.Writer
}

// Show shows the cores until the user has enough, or Look fails: then it returns the
// error.
func Show(ctx context.Context, o Options) error {
	last, err := tea.NewProgram(newModel(o), tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out)).Run()
	if m, ok := last.(model); ok && m.err != nil {
		return m.err
	}
	if errors.Is(err, tea.ErrInterrupted) || errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil // as asked
	}
	return err
}

// model is what is on the screen.
type model struct {
	o        Options
	before   *multikernel.Report // the look before
	now      *multikernel.Report
	rows     []row
	widths   []int // of columns
	sort     int   // column
	reversed bool  // the other way round
	paused   bool
	first    int // row that stands first, where not all have room
	width    int
	height   int
	err      error
}

func newModel(o Options) model { return model{o: o, width: 120, height: 40} }

// looked is the answer to a look.
type looked struct {
	report *multikernel.Report
	err    error
}

// due says that it is time for the next look.
type due struct{}

func (m model) look() tea.Msg {
	r, err := m.o.Look()
	return looked{r, err}
}

// Init is tea.Model's.
func (m model) Init() tea.Cmd { return m.look }

// Update is tea.Model's.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.press(msg.String())
	case due:
		return m, m.look
	case looked:
		if msg.err != nil {
			m.err = msg.err
			return m, tea.Quit
		}
		if !m.paused {
			m.before, m.now = m.now, msg.report
			m.rows = rows(m.before, m.now)
			m.widths = grown(m.widths, m.rows)
		}
		return m, tea.Tick(m.o.Interval, func(time.Time) tea.Msg { return due{} })
	}
	return m, nil
}

// press obeys a key.
func (m model) press(key string) (tea.Model, tea.Cmd) {
	switch key {
	case "q", "esc", "ctrl+c":
		return m, tea.Quit
	case "right", ">", "l":
		m.sort = (m.sort + 1) % len(columns)
	case "left", "<", "h":
		m.sort = (m.sort + len(columns) - 1) % len(columns)
	case "r":
		m.reversed = !m.reversed
	case "down", "j":
		m.first++
	case "up", "k":
		m.first--
	case "pgdown":
		m.first += m.room()
	case "pgup":
		m.first -= m.room()
	case "space", "p":
		m.paused = !m.paused
	default:
		if column, ok := keys[key]; ok {
			m.sort = column
		}
	}
	m.first = max(0, min(m.first, len(m.rows)-m.room()))
	return m, nil
}

// keys sort by a column at once.
var keys = map[string]int{}

func init() {
	for key, title := range map[string]string{"n": "CORE", "c": "%CPU", "s": "SENT/s", "m": "MEM", "g": "GC"} {
		keys[key] = titled(title)
	}
}
