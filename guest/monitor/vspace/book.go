package vspace

// Domain names an address space: that of a program's domain.
type Domain uint32

// Program is the domain that the whole guest is.
const Program Domain = 0

// Book holds the address spaces of a core. The zero Book has none.
type Book struct{ spaces map[Domain]*Space }

// Add adds a domain, which must not be there.
func (b *Book) Add(d Domain, s *Space) {
	if b.spaces == nil {
		b.spaces = map[Domain]*Space{}
	}
	b.spaces[d] = s
}

// Space returns a domain's space, nil where there is none.
func (b *Book) Space(d Domain) *Space { return b.spaces[d] }
