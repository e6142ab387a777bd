//go:build race

package agreement

const seedsByDefault = 300 // the detector makes each ten times slower, and there is one goroutine
