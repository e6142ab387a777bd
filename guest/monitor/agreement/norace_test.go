//go:build !race

package agreement

const seedsByDefault = 10_000
