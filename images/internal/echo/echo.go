// Package echo is the service that several images call: what comes over a channel goes back.
package echo

import (
	"context"

	"barreleye/guest"
	"barreleye/urpc"
)

// Serve answers whoever binds, until the offer ends. There is room for every answer, as long
// as a client waits for one before it fills the channel: a channel that is full is closed.
func Serve(ctx context.Context, offer *guest.Offer) {
	for {
		c, err := offer.Accept(ctx)
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			var m urpc.Message
			for c.Recv(ctx, &m) == nil && c.TrySend(&m) == nil {
			}
		}()
	}
}
