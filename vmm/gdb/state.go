package gdb

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// readRegisters serves g: all registers, one behind the other.
func (s *server) readRegisters() string {
	t, err := s.target.Registers(s.looked)
	if err != nil {
		return refused
	}
	var b strings.Builder
	for i := range registers {
		b.WriteString(hex.EncodeToString(registers[i].value(&t)))
	}
	return b.String()
}

// writeRegisters serves G.
func (s *server) writeRegisters(text string) string {
	t, err := s.target.Registers(s.looked)
	data, bad := hex.DecodeString(text)
	if err != nil || bad != nil {
		return refused
	}
	for _, r := range registers {
		if len(data) < r.bits/8 {
			return refused
		}
		r.write(&t, data)
		data = data[r.bits/8:]
	}
	if s.target.SetRegisters(s.looked, t) != nil {
		return refused
	}
	return done
}

// readRegister serves p: "NUMBER".
func (s *server) readRegister(text string) string {
	n, err := strconv.ParseUint(text, 16, 16)
	if err != nil || n >= uint64(len(registers)) {
		return refused
	}
	t, err := s.target.Registers(s.looked)
	if err != nil {
		return refused
	}
	return hex.EncodeToString(registers[n].value(&t))
}

// writeRegister serves P: "NUMBER=VALUE".
func (s *server) writeRegister(text string) string {
	number, value, _ := strings.Cut(text, "=")
	n, err := strconv.ParseUint(number, 16, 16)
	data, bad := hex.DecodeString(value)
	if err != nil || bad != nil || n >= uint64(len(registers)) {
		return refused
	}
	r := &registers[n]
	if len(data) != r.bits/8 || r.get != nil && r.set == nil {
		return refused
	}
	t, err := s.target.Registers(s.looked)
	if err != nil {
		return refused
	}
	if !r.write(&t, data) {
		t.Vector = nil // which stays as it is
	}
	if s.target.SetRegisters(s.looked, t) != nil {
		return refused
	}
	return done
}

// readMemory serves m: "ADDRESS,LENGTH". Less than was asked for is an answer too.
func (s *server) readMemory(text string) string {
	va, n, ok := parsePair(text)
	if !ok {
		return refused
	}
	b := make([]byte, min(n, maxPacket/2))
	got := s.target.ReadMemory(s.looked, b, va)
	if got == 0 && n > 0 {
		return refused
	}
	return hex.EncodeToString(b[:got])
}

// writeMemory serves M: "ADDRESS,LENGTH:BYTES".
func (s *server) writeMemory(text string) string {
	span, digits, _ := strings.Cut(text, ":")
	va, n, ok := parsePair(span)
	data, err := hex.DecodeString(digits)
	if !ok || err != nil || uint64(len(data)) != n || s.target.WriteMemory(s.looked, data, va) != nil {
		return refused
	}
	return done
}
