package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Param is what one row was measured with and another was not. Values are whole
// numbers (payload in bytes, ring in lines, inflight, guests, channels, members),
// durations as Go writes them (gap), or words (where, profile, peer).
type Param struct{ Key, Value string }

// Params are in the order in which labels show them. In JSON they are an object.
type Params []Param

// Get returns the value of a key, "" if it is not there.
func (p Params) Get(key string) string {
	for _, x := range p {
		if x.Key == key {
			return x.Value
		}
	}
	return ""
}

// Number returns the value as a number for an axis, a duration in nanoseconds.
func (p Param) Number() (float64, bool) {
	if n, err := strconv.ParseInt(p.Value, 10, 64); err == nil {
		return float64(n), true
	}
	if d, err := time.ParseDuration(p.Value); err == nil {
		return float64(d.Nanoseconds()), true
	}
	return 0, false
}

// MarshalJSON writes an object whose keys have the order of p.
func (p Params) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, x := range p {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := json.Marshal(x.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, order included.
func (p *Params) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("bench: parameters %.40q are no object of JSON: give what 'barreleye bench -o json' printed", b)
	}
	*p = nil
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return err
		}
		*p = append(*p, Param{fmt.Sprint(key), value})
	}
	return nil
}
