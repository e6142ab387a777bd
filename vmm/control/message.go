package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// hello is the first line of a connection, the server's.
type hello struct {
	Barreleye string `json:"barreleye"` // protocol
	Version   int    `json:"version"`
}

// Request is one thing asked.
type Request struct {
	Do    string     // the request's name
	Args  []byte     // a JSON value; empty where there are none
	Files []*os.File // that came with it, open until it is answered
}

// request is a Request as its line has it.
type request struct {
	Do    string          `json:"do"`
	Args  json.RawMessage `json:"args,omitempty"`
	Files int             `json:"files,omitempty"` // how many came with it
}

// answer is the line that answers a request: OK or Error.
type answer struct {
	OK     json.RawMessage `json:"ok,omitempty"`
	Stream bool            `json:"stream,omitempty"` // from here on the connection is the request's own
	Error  *Error          `json:"error,omitempty"`
}

// parseRequest reads a request's line.
func parseRequest(line []byte) (*request, error) {
	q := &request{}
	if err := strict(line, q); err != nil {
		return nil, Usage("no request: %w: send a line such as {\"do\":\"ps\"}", err)
	}
	switch {
	case q.Do == "":
		return nil, Usage("no request: it has no name: send a line such as {\"do\":\"ps\"}")
	case q.Files < 0 || q.Files > MaxFiles:
		return nil, Usage("%s: %d descriptors: send at most %d", shown(q.Do), q.Files, MaxFiles)
	}
	return q, nil
}

// Arguments reads the arguments of a request into what v points to, which has a field for
// each. What it says of those that are missing stays.
func (q *Request) Arguments(v any) error {
	if len(q.Args) == 0 {
		return nil
	}
	if err := strict(q.Args, v); err != nil {
		return Usage("%s: arguments: %w: docs/reference/control.md lists them", shown(q.Do), err)
	}
	return nil
}

// strict decodes one JSON value and nothing after it. A field that is not known is an
// error: who sends it wants something that is not there.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if err == io.EOF {
			return fmt.Errorf("an empty line")
		}
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows it")
	}
	return nil
}

// shown returns a request's name as messages show it, whatever a client made of it.
func shown(name string) string {
	const most = 40
	if len(name) > most {
		return fmt.Sprintf("%.40q...", name)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && c != '-' {
			return fmt.Sprintf("%q", name)
		}
	}
	return name
}
