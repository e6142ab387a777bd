package main

import (
	"fmt"
	"go/types"
)

// basic is how a basic type is encoded: as the unsigned number of its size,
// appended by a function of encoding/binary, or by one of package rpc.
type basic struct {
	size   int
	append string // of two arguments: the slice and the value
	wire   string // type that append takes and take returns
	take   string // method of rpc.Decoder
	bits   string // function to the wire type, for floats
	value  string // function from it
}

var basics = map[types.BasicKind]basic{
	types.Bool:    {1, "rpc.AppendBool", "bool", "Bool", "", ""},
	types.String:  {4, "rpc.AppendString", "string", "String", "", ""},
	types.Int8:    {1, "append", "uint8", "Uint8", "", ""},
	types.Uint8:   {1, "append", "uint8", "Uint8", "", ""},
	types.Int16:   {2, "binary.LittleEndian.AppendUint16", "uint16", "Uint16", "", ""},
	types.Uint16:  {2, "binary.LittleEndian.AppendUint16", "uint16", "Uint16", "", ""},
	types.Int32:   {4, "binary.LittleEndian.AppendUint32", "uint32", "Uint32", "", ""},
	types.Uint32:  {4, "binary.LittleEndian.AppendUint32", "uint32", "Uint32", "", ""},
	types.Int64:   {8, "binary.LittleEndian.AppendUint64", "uint64", "Uint64", "", ""},
	types.Uint64:  {8, "binary.LittleEndian.AppendUint64", "uint64", "Uint64", "", ""},
	types.Int:     {8, "binary.LittleEndian.AppendUint64", "uint64", "Uint64", "", ""},
	types.Uint:    {8, "binary.LittleEndian.AppendUint64", "uint64", "Uint64", "", ""},
	types.Float32: {4, "binary.LittleEndian.AppendUint32", "float32", "Uint32", "math.Float32bits", "math.Float32frombits"},
	types.Float64: {8, "binary.LittleEndian.AppendUint64", "float64", "Uint64", "math.Float64bits", "math.Float64frombits"},
}

// isBytes reports whether elements of type t can be copied as bytes.
func isBytes(t types.Type) bool { return types.Identical(t, types.Typ[types.Uint8]) }

// encode writes statements that append the value expr, which can be addressed,
// to the slice buf. depth is the number of loops around.
func (w *writer) encode(buf, expr string, t types.Type, depth int) {
	i := fmt.Sprintf("i%d", depth)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		b := basics[u.Kind()]
		if t.String() != b.wire {
			expr = fmt.Sprintf("%s(%s)", b.wire, expr)
		}
		if b.bits != "" {
			expr = fmt.Sprintf("%s(%s)", b.bits, expr)
		}
		w.linef("%s = %s(%s, %s)", buf, b.append, buf, expr)
	case *types.Slice:
		if isBytes(u.Elem()) {
			w.linef("%s = rpc.AppendBytes(%s, %s)", buf, buf, expr)
			return
		}
		w.linef("%s = rpc.AppendLen(%s, len(%s))", buf, buf, expr)
		w.loop(i, expr, u.Elem(), func() { w.encode(buf, expr+"["+i+"]", u.Elem(), depth+1) })
	case *types.Array:
		if isBytes(u.Elem()) {
			w.linef("%s = append(%s, %s[:]...)", buf, buf, expr)
			return
		}
		w.loop(i, expr, u.Elem(), func() { w.encode(buf, expr+"["+i+"]", u.Elem(), depth+1) })
	case *types.Struct:
		for f := range u.Fields() {
			w.encode(buf, expr+"."+f.Name(), f.Type(), depth)
		}
	}
}

// decode writes statements that set the variable expr from the Decoder dec.
func (w *writer) decode(expr string, t types.Type, depth int) {
	i := fmt.Sprintf("i%d", depth)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		w.linef("%s = %s", expr, w.take(t, u))
	case *types.Slice:
		if isBytes(u.Elem()) {
			w.linef("%s = dec.Bytes()", expr)
			return
		}
		w.linef("if n := dec.Len(%d); n > 0 {", leastSize(u.Elem()))
		w.linef("%s = make(%s, n)", expr, w.spell(t))
		w.loop(i, expr, u.Elem(), func() { w.decode(expr+"["+i+"]", u.Elem(), depth+1) })
		w.linef("}")
	case *types.Array:
		if isBytes(u.Elem()) {
			w.linef("dec.Fill(%s[:])", expr)
			return
		}
		w.loop(i, expr, u.Elem(), func() { w.decode(expr+"["+i+"]", u.Elem(), depth+1) })
	case *types.Struct:
		for f := range u.Fields() {
			w.decode(expr+"."+f.Name(), f.Type(), depth)
		}
	}
}

// take is an expression that takes a value of type t, which is based on u.
func (w *writer) take(t types.Type, u *types.Basic) string {
	b := basics[u.Kind()]
	value := fmt.Sprintf("dec.%s()", b.take)
	if b.value != "" {
		value = fmt.Sprintf("%s(%s)", b.value, value)
	}
	if t.String() != b.wire {
		value = fmt.Sprintf("%s(%s)", w.spell(t), value)
	}
	return value
}

// loop writes a loop over the elements of expr, unless they have no bytes.
func (w *writer) loop(i, expr string, elem types.Type, body func()) {
	if leastSize(elem) == 0 {
		return
	}
	w.linef("for %s := range %s {", i, expr)
	body()
	w.linef("}")
}
