package observe

import (
	"io"
	"math"
)

// Follow shows the log on w as it grows, until Finish was called and all of it
// is shown. A w that blocks holds up Follow alone.
func (l *Logs) Follow(w io.Writer, v View) error {
	r := NewReader(io.NewSectionReader(l.file, 0, math.MaxInt64))
	for seen := int64(0); ; {
		l.mu.Lock()
		for seen == l.size && !l.done {
			l.grew.Wait()
		}
		size, done := l.size, l.done
		l.mu.Unlock()
		if seen == size && done {
			return nil
		}
		if err := r.Show(w, v); err != nil {
			return err
		}
		seen = size
	}
}
