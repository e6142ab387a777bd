package multikernel

import "time"

// LifeReport is one life of a core. Times are in ms since the command started. Its JSON
// names are stable.
type LifeReport struct {
	Life     uint64  `json:"life"` // 1 for the first
	Image    string  `json:"image"`
	BeganMS  float64 `json:"began_ms"`
	MainMS   float64 `json:"main_ms,omitempty"`  // its program reached main
	EndedMS  float64 `json:"ended_ms,omitempty"` // absent while it lives
	State    string  `json:"state"`              // as in CoreReport
	ExitCode int     `json:"exit_code"`
	Error    string  `json:"error,omitempty"`
}

// keptLives is how many lives of a core a report tells of: the last ones.
const keptLives = 64

// mainMS returns when the core's present life reached main, in ms since the command
// started; 0 if it has not.
func (r *run) mainMS(c *core) float64 {
	t := r.view.Block(c.index).MainTSC.Load()
	if t == 0 {
		return 0
	}
	return r.since(when(t, r.report.TSCKHz))
}

// remember notes how a life that has just ended was.
func (r *run) remember(c *core, now time.Time) *CoreReport {
	cr := r.about(c)
	l := &cr.Lives[len(cr.Lives)-1]
	l.EndedMS = r.since(now)
	c.lives = cr.Lives[max(0, len(cr.Lives)-keptLives):]
	cr.Lives = c.lives
	return &cr
}
