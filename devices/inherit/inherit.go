// Package inherit says what the process of a hosted core inherits from the VMM:
// on that platform a core is a Linux process that runs the image's ELF file, and
// descriptors stand for what a virtual machine has as memory and devices.
package inherit

import (
	"strconv"

	"barreleye/devices/layout"
)

// Variable marks the process in its environment: its value is the ABI, as Value
// returns it. The core removes it before the program runs.
const Variable = "BARRELEYE_HOSTED"

// Value is what Variable holds for images of this ABI.
func Value() string { return strconv.Itoa(layout.ABI) }

// Descriptors, by number. The shared region's memory is mapped at
// layout.RegionVA, as in a guest. Each core's doorbell is an event descriptor:
// whoever adds to it rings the core, which reads it.
const (
	Image  = 3 // the ELF file the process was started from
	Boot   = 4 // one page: boot.Page
	Region = 5 // memory of the shared region
	Bell   = 6 // doorbell of core 0; the other cores' follow, and then the VMM's
)

// FilesOf returns the descriptor of the file tree of a multikernel of so many
// cores (package filetree), which is there if the boot page tells its size.
func FilesOf(cores int) int { return Bell + cores + 1 }

// BellOf returns the descriptor of doorbell i of a multikernel of so many cores;
// i = cores is the VMM's.
func BellOf(i int) int { return Bell + i }
