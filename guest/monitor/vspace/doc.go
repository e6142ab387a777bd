// Package vspace decides how frames are mapped: at which addresses, by pages of which
// size, and through which page tables. A Space is what capabilities are mapped to of one
// domain's addresses; a Book holds the spaces of a core, by domain.
//
// A Space does nothing to memory. It answers each request with a Plan of Steps, each of
// which is one call of the paper's CPU driver: put a VNode into a slot of the VNode above,
// fill slots with frames, change or clear them, split a large page. Whoever holds the page
// tables (guest/cpudriver) checks and does them. Page-table pages come from outside as well
// (Tables), RAM that was retyped to VNodes.
//
// Limits: frames of 4 KiB and 2 MiB; a mapping is taken away as a whole. Between two
// mappings at least a page is free, and an address that was given back is not given out
// again until all others were: what a stale pointer finds is nothing.
// docs/reference/maps.md says what a program sees of it.
package vspace
