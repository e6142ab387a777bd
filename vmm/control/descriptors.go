package control

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// errFiles is the end of a connection by which more descriptors came than may.
var errFiles = errors.New("too many descriptors")

// receiver reads a connection and keeps the descriptors that come along, in their order.
type receiver struct {
	conn  *net.UnixConn
	files []*os.File
}

// Read is io.Reader's.
func (r *receiver) Read(p []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(MaxFiles*4))
	n, oobn, flags, _, err := r.conn.ReadMsgUnix(p, oob)
	if oobn > 0 {
		if e := r.keep(oob[:oobn]); e != nil {
			return 0, e
		}
	}
	switch {
	case flags&unix.MSG_CTRUNC != 0:
		return 0, errFiles // the kernel has closed what did not fit
	case errors.Is(err, io.EOF), err == nil && n == 0 && len(p) > 0:
		return 0, io.EOF // as readers want it
	case err != nil:
		return 0, err // n is -1
	}
	return n, nil
}

// keep takes the descriptors out of a control message.
func (r *receiver) keep(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return err
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // no descriptors: credentials, say
		}
		for _, fd := range fds {
			r.files = append(r.files, os.NewFile(uintptr(fd), "received"))
		}
	}
	if len(r.files) > MaxFiles {
		return errFiles
	}
	return nil
}

// take returns the first n descriptors, false where fewer came.
func (r *receiver) take(n int) (files []*os.File, ok bool) {
	if n > len(r.files) {
		return nil, false
	}
	files, r.files = r.files[:n:n], r.files[n:]
	return files, true
}

// close closes what nobody took.
func (r *receiver) close() {
	closeAll(r.files)
	r.files = nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// send writes a line with descriptors.
func send(conn *net.UnixConn, line []byte, files []*os.File) error {
	if len(files) == 0 {
		_, err := conn.Write(line)
		return err
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	n, _, err := conn.WriteMsgUnix(line, unix.UnixRights(fds...), nil)
	runtime.KeepAlive(files)
	if err == nil && n < len(line) {
		_, err = conn.Write(line[n:])
	}
	return err
}
