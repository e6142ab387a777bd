package guest

import (
	"io"
	"log/slog"
	"os"
)

// LogLevel is the lowest level of what slog's default logger logs, INFO at
// first.
var LogLevel slog.LevelVar

// logRecords makes log/slog's default logger, and with it package log, write
// records that the log of the run keeps as such: with level and attributes. A
// program may install a handler of its own; its lines count as text.
func logRecords() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&recordWriter{to: os.Stderr}, &slog.HandlerOptions{Level: &LogLevel})))
}

// recordMark starts a line that is a record: ASCII RS, as in RFC 7464.
const recordMark = 0x1e

// recordWriter writes each record by one call, so that nothing comes between
// its mark and its end. The handler calls it for one record at a time.
type recordWriter struct {
	to  io.Writer
	buf []byte
}

// Write writes one record.
func (w *recordWriter) Write(record []byte) (int, error) {
	w.buf = append(append(w.buf[:0], recordMark), record...)
	if _, err := w.to.Write(w.buf); err != nil {
		return 0, err
	}
	return len(record), nil
}
