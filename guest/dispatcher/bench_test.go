package dispatcher

import "testing"

func BenchmarkMigrate(b *testing.B) {
	Define("bench-migrate", func(d *Dispatcher) error {
		d.HandleMigrating("next", func(m Message) Message { m.W1++; return m })
		return nil
	})
	m, err := Start("bench-migrate", Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Stop()
	e, _ := m.Entry("next")
	var msg Message
	for b.Loop() {
		msg, _ = e.Migrate(msg)
	}
}
