// Idle boots and sleeps: what a core costs that has nothing to do.
package main

import (
	"flag"
	"time"

	_ "barreleye/guest"
)

func main() {
	d := flag.Duration("for", time.Second, "how long to sleep")
	flag.Parse()
	time.Sleep(*d)
}
