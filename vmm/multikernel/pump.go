package multikernel

import (
	"io"
	"sync"
)

// pump reads a source for one life of a core after the other. A read that a life leaves
// behind goes on, and what it brings is the next one's.
type pump struct {
	source io.Reader

	mu     sync.Mutex
	under  bool       // a read is under way
	pieces chan piece // what it brought: room for one
	rest   []byte     // not taken yet
	err    error      // why there is no more
}

type piece struct {
	data []byte
	err  error
}

func newPump(source io.Reader) *pump { return &pump{source: source, pieces: make(chan piece, 1)} }

// until returns a reader that is at its end once over is closed.
func (p *pump) until(over <-chan struct{}) io.Reader { return &taker{p, over} }

type taker struct {
	p    *pump
	over <-chan struct{}
}

// Read is io.Reader.Read.
func (t *taker) Read(b []byte) (int, error) {
	p := t.p
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.rest) == 0 && p.err == nil {
		if !p.under {
			p.under = true
			go func() {
				buf := make([]byte, 32<<10)
				n, err := p.source.Read(buf)
				p.pieces <- piece{buf[:n], err}
			}()
		}
		p.mu.Unlock()
		select {
		case got := <-p.pieces:
			p.mu.Lock()
			p.under, p.rest, p.err = false, got.data, got.err
		case <-t.over:
			p.mu.Lock()
			return 0, io.EOF
		}
	}
	if len(p.rest) == 0 {
		return 0, p.err
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
