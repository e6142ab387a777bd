package bench

import (
	"encoding/json"
	"fmt"

	"barreleye/vmm/bench/peers"
)

// peerRows measures messages by Go's channels and by what Linux has for two
// threads, on the CPUs of cores 0 and 1.
func peerRows(o Options) ([]Row, error) { return goPeers(o, "messages") }

// peerPayloadRows measures streams of payloads by the same.
func peerPayloadRows(o Options) ([]Row, error) { return goPeers(o, "payloads") }

// goPeers runs a set of peers in a process of its own.
func goPeers(o Options, set string) ([]Row, error) {
	o.step("peers: %s of Go and Linux", set)
	cmd, err := ourBench(2, "peers", set)
	if err != nil {
		return nil, err
	}
	out, err := outputOn(2, cmd)
	if err != nil {
		return nil, fmt.Errorf("bench: peers: %w: its own lines stand above", err)
	}
	return rowsOfPeers(out)
}

// rowsOfPeers makes rows of a JSON array of peers.Measurement.
func rowsOfPeers(out []byte) ([]Row, error) {
	var list []peers.Measurement
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("bench: peers printed %.200q: %w: report it", out, err)
	}
	var rows []Row
	for _, m := range list {
		unit := "ns/message"
		if m.Name == peers.RoundTrip {
			unit = "ns"
		}
		r := row(m.Name, unit, 1, m.Samples, nil).per(m.PerSample).kind(Peer)
		for _, p := range m.Params {
			r = r.with(p[0], p[1])
		}
		r.Note = m.Note
		rows = append(rows, r)
	}
	return rows, nil
}
