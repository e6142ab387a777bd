// Package start knows when the command started. It imports almost nothing, so
// the Go runtime initialises it before the packages that take time for that.
package start

import "time"

// Time is when the command started, as early as Go code can tell.
var Time = time.Now()
