package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listener serves a handler on an address that it can give up and take again: a client's connection is refused then.
type Listener struct {
	mu      sync.Mutex
	address string
	handler http.Handler
	server  *http.Server
}

// NewListener listens on an address; port 0 takes a free one, which it keeps.
func NewListener(address string) (*Listener, net.Listener, error) {
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	return &Listener{address: socket.Addr().String()}, socket, nil
}

// Serve answers with the handler.
func (l *Listener) Serve(socket net.Listener, handler http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handler = handler
	l.serve(socket)
}

func (l *Listener) serve(socket net.Listener) {
	server := NewServer(l.handler)
	l.server = server
	go func() {
		if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("a listener ended", "address", l.address, "error", err)
		}
	}()
}

// Address is where it listens, or would.
func (l *Listener) Address() string { return l.address }

// Stop closes the socket and all its connections.
func (l *Listener) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server != nil {
		_ = l.server.Close()
		l.server = nil
	}
}

// Start listens again after Stop; it does nothing while listening.
func (l *Listener) Start() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server != nil || l.handler == nil {
		return nil
	}
	socket, err := net.Listen("tcp", l.address)
	if err != nil {
		return err
	}
	l.serve(socket)
	return nil
}

// Shutdown lets requests end, for the time of the context.
func (l *Listener) Shutdown(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return
	}
	if err := l.server.Shutdown(ctx); err != nil {
		_ = l.server.Close()
	}
	l.server = nil
}

const headerTimeout = 10 * time.Second

// NewServer gives a server as all ports of the gateway have it.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}
