// Package doorbell gives the register layout of the doorbells: one 8-byte
// register per core at layout.DoorbellGPA, and one more for the VMM. A 4-byte
// store to register i is an ioeventfd of the sender's VM, wired to an irqfd of
// core i's VM, which raises layout.VectorDoorbell there; the value is ignored.
package doorbell

import "barreleye/devices/layout"

// Stride is the distance between two registers in bytes.
const Stride = 8

// MaxCores is the number of cores that have a register.
const MaxCores = layout.PageSize/Stride - 1

// VMM is the index of the register that wakes the VMM.
const VMM = MaxCores

// GPA returns the guest-physical address of register i.
func GPA(i int) uint64 { return layout.DoorbellGPA + uint64(i)*Stride }

// VA returns the address at which guests store to register i.
func VA(i int) uintptr { return layout.DoorbellVA + uintptr(i)*Stride }
