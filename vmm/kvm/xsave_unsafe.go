package kvm

import "unsafe"

// xsaveSize is that of struct kvm_xsave: an XSAVE area in standard format.
const xsaveSize = 4096

// Xsave reads the vector state, SetXsave writes it.
func (c *VCPU) Xsave() ([]byte, error) {
	b := make([]byte, xsaveSize)
	return b, wrap("KVM_GET_XSAVE", ioctl(c.fd, nrGetXsave, unsafe.Pointer(&b[0])))
}

// SetXsave writes the vector state, as Xsave returned it.
func (c *VCPU) SetXsave(b []byte) error {
	return wrap("KVM_SET_XSAVE", ioctl(c.fd, nrSetXsave, unsafe.Pointer(&b[:xsaveSize][0])))
}
