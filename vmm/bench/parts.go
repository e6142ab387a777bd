package bench

import (
	"fmt"
	"slices"
	"strings"

	"barreleye/images/bench/measure"
)

// part is a part of a benchmark that can be measured by itself.
type part struct {
	name    string
	quick   bool // measured with --quick too, unasked
	measure func(Options) ([]Row, error)
}

// urpcParts are those of URPC, in the order of its rows.
var urpcParts = []part{
	{"base", true, baseRows},
	{"wake", true, wakeRows},
	{"threads", false, threadRows},
	{"each", false, partRows("each", "single messages between cores", 100)},
	{"inflight", false, inFlightRows},
	{"payload", false, partRows("payload", "payloads of 8 bytes to 1 MiB", 21)},
	{"bulk", false, partRows("bulk", "streams in the bulk profile", 51)},
	{"ring_size", false, bothRows("ringsize", "rings of 16 to 16,384 lines", 21, func(s *measure.Side, n int) { s.RingSizes(n, "threads") })},
	{"payload_stream", false, bothRows("stream", "streams of 8 bytes to 1 MiB", 21, func(s *measure.Side, n int) { s.PayloadStream(n, "threads") })},
	{"idle_channels", false, idleChannelRows},
	{"shared", false, sharedRows},
	{"fanout", false, fanOutRows},
	{"samecore", false, localRows},
	{"lrpc", false, lrpcRows},
	{"peers", false, peerRows},
	{"peers.payload", false, peerPayloadRows},
	{"peers.native", false, nativePeerRows},
}

// URPCParts names the parts of URPC, for Options.Only.
func URPCParts() (names []string) {
	for _, p := range urpcParts {
		names = append(names, p.name)
	}
	return names
}

// CheckOnly fails if o.Only names a part that there is not.
func (o Options) CheckOnly() error {
	for _, name := range o.Only {
		if !slices.Contains(URPCParts(), name) {
			return fmt.Errorf("bench: --only %s: no such part: the parts are %s", name, strings.Join(URPCParts(), ", "))
		}
	}
	return nil
}

// URPC measures messages between two cores, each figure in turns with its limit
// between the same cores or threads, and wake-ups of a sleeping core.
func URPC(o Options) (*Report, error) {
	r := o.newReport()
	if err := o.CheckOnly(); err != nil {
		return r, err
	}
	for _, p := range urpcParts {
		if len(o.Only) > 0 && !slices.Contains(o.Only, p.name) || len(o.Only) == 0 && o.Quick && !p.quick {
			continue
		}
		rows, err := p.measure(o)
		r.Rows = append(r.Rows, rows...)
		if err != nil {
			return r, err
		}
	}
	return r, nil
}
