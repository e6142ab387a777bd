//go:build race

package seeds

const race = true
