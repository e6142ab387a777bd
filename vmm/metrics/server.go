package metrics

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Path is where the figures are.
const Path = "/metrics"

// Server serves the figures of a run that lives.
type Server struct {
	listener net.Listener
	server   *http.Server

	mu   sync.RWMutex // held while figures are collected
	over bool
}

// Listen takes an address, such as 127.0.0.1:9464; port 0 is any that is free.
func Listen(addr string) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("run: --metrics-addr %s: %w: use another address, such as 127.0.0.1:0", addr, err)
	}
	return &Server{listener: l}, nil
}

// URL is where the figures are served.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + Path }

// Serve answers with what collect returns then, until Close. It returns at once.
// collect is called by one goroutine per request.
func (s *Server) Serve(collect func() []Family) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, _ *http.Request) {
		s.mu.RLock()
		if s.over {
			s.mu.RUnlock()
			http.Error(w, "the run has ended", http.StatusServiceUnavailable)
			return
		}
		families := collect()
		s.mu.RUnlock()
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = Write(w, families) // who asked has gone
	})
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14}
	go s.server.Serve(s.listener) // returns when Close is called
}

// Close ends it. When it returns collect is not running, and is not called again.
// It may be called again.
func (s *Server) Close() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	if s.server != nil {
		s.server.Close()
	}
	s.listener.Close()
}
