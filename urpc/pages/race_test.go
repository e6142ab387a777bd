//go:build race

package pages

// underRace: the race detector is on. Simulations have one goroutine, so it finds
// nothing there, slowly.
const underRace = true
