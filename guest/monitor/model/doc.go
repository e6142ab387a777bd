// Package model holds Promela models of what the monitors agree on, which spin searches
// exhaustively: every order of all steps of a few cores, and their deaths between any two.
// There is no Go code but the test, which also searches mutations; each must be found.
//
//	agreement.pml   one operation, of two phases or one, and the records of the dead
//	membership.pml  views, published once a core is fenced; who joins, and who gives it the state
//	join.pml        a core joins while operations go on, and its sponsor may die
//
// docs/reference/agreement.md, section "Models", has what they cover. The simulation in
// package agreement runs the program itself, on more cores, but not every order.
package model
