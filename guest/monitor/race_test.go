//go:build race

package monitor

// underRace: the race detector is on. Code that it watches is inlined less, and allocates more.
const underRace = true
