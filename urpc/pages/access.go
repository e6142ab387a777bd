package pages

// Access is what a core may do with pages, and why not where it may not. Debug
// mode only.
type Access uint8

const (
	ReadWrite  Access = iota
	NotTaken          // nobody has taken them here, or they are another core's
	HandedOver        // they were handed over, or a grant of them was returned
	Granted           // they were granted to a third core
	Released          // they were released
)

// Used says what a program did that uses pages with this access. It does not
// allocate.
func (a Access) Used() string {
	switch a {
	case HandedOver:
		return "used after it was handed over"
	case Granted:
		return "used after it was granted to another core"
	case Released:
		return "used after it was released"
	}
	return "used though this core has not taken it"
}
