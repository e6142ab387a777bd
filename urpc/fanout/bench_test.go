package fanout

import (
	"context"
	"fmt"
	"testing"

	"barreleye/urpc"
)

// BenchmarkDo: the cost of one operation against the number of members, in each
// form. Members are goroutines that let others run while they wait, so this is
// the cost of the code and of Go's scheduler; what cores cost each other only
// guests show.
func BenchmarkDo(b *testing.B) {
	for i := range testForms {
		form := &testForms[i]
		for _, members := range []int{1, 3, 7, 15, 31} {
			b.Run(fmt.Sprintf("form=%s/members=%d", form.name, members), func(b *testing.B) {
				m := newMesh(b, members+1)
				ctx := context.Background()
				g, _ := form.start(m, ctx, Sum, square)
				var msg urpc.Message
				for b.Loop() {
					msg = number(1)
					if err := g.Do(ctx, &msg); err != nil {
						b.Fatal(err)
					}
				}
				if err := g.Close(ctx); err != nil {
					b.Fatal(err)
				}
				m.done.Wait()
			})
		}
	}
}
