package machine

import (
	"fmt"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/kvm"

	gokvm "github.com/bobuhiro11/gokvm/kvm"
)

// mapRegion makes the shared region the guest's memory. Isolated, the guest has of
// it what its core may see, a memory slot for each span, read-only where another
// writes: a store there, or an access to anything else, leaves the guest
// (Machine.foreign). The guest's own page tables go on mapping all of it writable.
// Where there are many cores, what it shares with each of them comes when it is first
// used (loans): a slot takes 10 us, and each guest would have half as many more.
func (m *Machine) mapRegion(sys *kvm.System, mem *hostmem.Memory) error {
	m.slots.next = slotRegion
	if m.cfg.Shared {
		return m.vm.MapMemory(m.slots.take(), layout.RegionGPA, uint64(len(mem.Bytes)), mem.Address(), false)
	}
	if sys.Capability(gokvm.CapReadOnlyMEM) == 0 {
		return fmt.Errorf("machine: isolation of cores: %w: no KVM_CAP_READONLY_MEM: use a kernel that has it, or --isolate=false", kvm.ErrUnusable)
	}
	// What KVM cannot emulate must end here too, not in the guest's handler of
	// undefined instructions. A kernel without it leaves that report to the guest.
	if err := m.vm.StopOnFailedEmulation(); err != nil {
		return err
	}
	for s := range m.cfg.Geometry.Seen(m.cfg.Core) {
		if _, pair := m.cfg.Geometry.Pair(s.First, m.cfg.Core); pair && m.cfg.Cores > eagerCores {
			continue
		}
		at, size := uint64(s.First)*layout.PageSize, uint64(s.Pages)*layout.PageSize
		if err := m.vm.MapMemory(m.slots.take(), layout.RegionGPA+at, size, mem.Address()+at, s.Access == region.Read); err != nil {
			return err
		}
	}
	m.loans = loans{m: m, shared: mem}
	return nil
}

// eagerCores is up to how many cores a guest has everything from the start.
const eagerCores = 8

// foreign tells what is at a guest-physical address of the shared region, and what
// the core may do there. ok is false where the region is not, or is shared by all.
func (m *Machine) foreign(gpa uint64) (what string, may region.Access, ok bool) {
	at := gpa - layout.RegionGPA // beyond the region where the address is below it
	if m.cfg.Shared || at >= m.cfg.Geometry.Size() {
		return "", region.None, false
	}
	what, may = m.cfg.Geometry.Find(m.cfg.Core, at)
	return what, may, true
}
