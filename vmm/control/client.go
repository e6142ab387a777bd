package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Client asks a run for things, one after the other.
type Client struct {
	conn *net.UnixConn
	in   *bufio.Reader
}

// Dial connects to the run that lives in a folder.
func Dial(dir string) (*Client, error) {
	f, err := folder(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: address(f), Net: "unix"})
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return nil, ErrNoSocket
	case errors.Is(err, fs.ErrPermission):
		return nil, ErrForeign
	case err != nil:
		return nil, err
	}
	c := &Client{conn, bufio.NewReaderSize(conn, 4096)}
	if err := c.meet(); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// meet reads the server's first line.
func (c *Client) meet() error {
	c.conn.SetReadDeadline(time.Now().Add(patience))
	defer c.conn.SetReadDeadline(time.Time{})
	line, err := c.line(MaxRequest)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrSilent
	}
	if err != nil {
		return err
	}
	var h hello
	if err := json.Unmarshal(line, &h); err != nil || h.Barreleye != protocol {
		return fmt.Errorf("%w, or something else", ErrVersion)
	}
	if h.Version != Version {
		return fmt.Errorf("%w: %d, and this command %d", ErrVersion, h.Version, Version)
	}
	return nil
}

// Do asks, with arguments that are sent as JSON (nil for none) and descriptors, and has
// the answer in what into points to, unless that is nil. It waits as long as the run
// takes.
func (c *Client) Do(name string, args, into any, files ...*os.File) error {
	_, err := c.ask(name, args, into, files)
	return err
}

// Stream asks for something after which the connection is the request's own, and the
// client of no more use. The caller closes the connection.
func (c *Client) Stream(name string, args, into any, files ...*os.File) (net.Conn, error) {
	streams, err := c.ask(name, args, into, files)
	if err == nil && !streams {
		err = Refuse(KindRefused, "%s: the run answered without a stream: report it", name)
	}
	if err != nil {
		return nil, err
	}
	return &streamConn{c.conn, c.in}, nil
}

func (c *Client) ask(name string, args, into any, files []*os.File) (streams bool, err error) {
	q := request{Do: name, Files: len(files)}
	if args != nil {
		if q.Args, err = json.Marshal(args); err != nil {
			return false, err
		}
	}
	line, err := json.Marshal(q)
	switch {
	case err != nil:
		return false, err
	case len(line) >= MaxRequest || len(files) > MaxFiles:
		return false, Usage("%s: a request of %d bytes and %d descriptors: give less than %d, and at most %d", name, len(line), len(files), MaxRequest, MaxFiles)
	}
	// a server that does not take clients has said why before it hung up
	sent := send(c.conn, append(line, '\n'), files)
	line, err = c.line(MaxAnswer)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, errors.Join(sent, err))
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return false, fmt.Errorf("%s: an answer that cannot be read: %w: report it", name, err)
	}
	switch {
	case a.Error != nil:
		return false, a.Error
	case into != nil:
		if err := json.Unmarshal(a.OK, into); err != nil {
			return false, fmt.Errorf("%s: an answer that cannot be read: %w: report it", name, err)
		}
	}
	return a.Stream, nil
}

// line reads a line. Where the server hangs up, the run is over.
func (c *Client) line(most int) (line []byte, err error) {
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, Refuse(KindEnded, "the run hung up: %w: 'barreleye runs' tells whether it ended", err)
		case len(line) > most:
			return nil, Refuse(KindRefused, "an answer of more than %d bytes: report it", most)
		}
	}
}

// Close hangs up.
func (c *Client) Close() error { return c.conn.Close() }
