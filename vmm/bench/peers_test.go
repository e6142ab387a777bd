package bench

import (
	"io"
	"testing"
)

// TestRowsOfPeers: what the process of the peers prints becomes rows of that kind.
func TestRowsOfPeers(t *testing.T) {
	rows, err := rowsOfPeers([]byte(`[{"name":"peer_roundtrip","params":[["peer","pipe"],["pinned","yes"]],"per_sample":1,"samples":[3,1,2]},
		{"name":"peer_stream","params":[["peer","boost_spsc"],["ring","1024"]],"per_sample":9,"samples":[],"note":"why"}]`))
	if err != nil {
		t.Fatal(err)
	}
	r := rows[0]
	if r.Label() != "peer_roundtrip/peer=pipe/pinned=yes" || r.Kind != Peer || r.Unit != "ns" || r.Median != 2 || r.Limit != 0 {
		t.Errorf("%+v", r)
	}
	if r := rows[1]; r.Unit != "ns/message" || r.PerSample != 9 || r.Note != "why" || r.Percentiles.N != 0 {
		t.Errorf("%+v", r)
	}
	if err := (&Report{Rows: rows}).JSON(io.Discard); err != nil {
		t.Error(err)
	}
	if _, err := rowsOfPeers([]byte("panic: no")); err == nil {
		t.Error("no JSON, no error")
	}
}
