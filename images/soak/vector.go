package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
)

// What the compiler and the libraries keep in vector registers must survive
// preemption: the same work must give the same result every time.

// series computes with many floats at once, without calls.
func series(n int) [8]float64 {
	a, b, c, d := 1.0, 2.0, 3.0, 4.0
	e, f, g, h := 0.1, 0.2, 0.3, 0.4
	for i := range n {
		x := float64(i) + 1
		a += 1 / x
		b += a / (x * x)
		c = c*0.999 + b
		d -= c / (x + 3)
		e = math.Sqrt(e*e + 1)
		f += e * 0.001
		g = g*0.5 + f
		h = math.FMA(g, 0.25, h*0.5)
	}
	return [8]float64{a, b, c, d, e, f, g, h}
}

const seriesLength = 200_000

var seriesWant = series(seriesLength)

func floats(*rand.Rand) error {
	if got := series(seriesLength); got != seriesWant {
		return fmt.Errorf("a series gave %v, before %v", got, seriesWant)
	}
	return nil
}

func fill(r *rand.Rand, b []byte) {
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, r.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// hashes hashes a buffer whole and in parts, and knows one digest by heart.
func hashes(r *rand.Rand) error {
	const known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, B.1
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte("abc"))); got != known {
		return fmt.Errorf(`the digest of "abc" is %s, want %s`, got, known)
	}
	buf := make([]byte, 64<<10+r.IntN(64))
	fill(r, buf)
	whole := sha256.Sum256(buf)
	h := sha256.New()
	for rest := buf; len(rest) > 0; {
		n := min(1+r.IntN(8<<10), len(rest))
		h.Write(rest[:n])
		rest = rest[n:]
	}
	if parts := h.Sum(nil); !bytes.Equal(parts, whole[:]) {
		return fmt.Errorf("digest %x in parts, %x whole", parts, whole)
	}
	return nil
}

// ciphers encrypts and decrypts, which also authenticates.
func ciphers(r *rand.Rand) error {
	key, nonce, plain := make([]byte, 32), make([]byte, 12), make([]byte, 32<<10)
	fill(r, key)
	fill(r, nonce)
	fill(r, plain)
	c, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(c)
	if err != nil {
		return err
	}
	sealed := gcm.Seal(nil, nonce, plain, key[:7])
	opened, err := gcm.Open(nil, nonce, sealed, key[:7])
	if err != nil {
		return err
	}
	if !bytes.Equal(opened, plain) {
		return fmt.Errorf("what was decrypted differs from what was encrypted")
	}
	out := make([]byte, len(plain))
	cipher.NewCTR(c, append(nonce, 0, 0, 0, 0)).XORKeyStream(out, plain)
	cipher.NewCTR(c, append(nonce, 0, 0, 0, 0)).XORKeyStream(out, out)
	if !bytes.Equal(out, plain) {
		return fmt.Errorf("AES-CTR there and back differs")
	}
	return nil
}

// copies moves large buffers, overlapping too, and searches them.
func copies(r *rand.Rand) error {
	const size = 512 << 10
	a, b := make([]byte, size), make([]byte, size)
	fill(r, a)
	for i := range a {
		a[i] |= 1 // no zero, so the needle below is nowhere else
	}
	copy(b, a)
	if !bytes.Equal(a, b) {
		return fmt.Errorf("a copy of %d bytes differs", size)
	}
	shift := 1 + r.IntN(4096)
	copy(b[shift:], b[:size-shift])
	if !bytes.Equal(b[shift:], a[:size-shift]) {
		return fmt.Errorf("an overlapping copy by %d differs", shift)
	}
	needle := []byte{0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9}
	at := r.IntN(size - len(needle))
	copy(a[at:], needle)
	if got := bytes.Index(a, needle); got != at {
		return fmt.Errorf("bytes.Index found %d, want %d", got, at)
	}
	if got := bytes.IndexByte(a, 0); got != at {
		return fmt.Errorf("bytes.IndexByte found %d, want %d", got, at)
	}
	if got := bytes.Count(a, []byte{0}); got != 3 {
		return fmt.Errorf("bytes.Count found %d zeroes, want 3", got)
	}
	return nil
}

// bigNumbers divides what it multiplied.
func bigNumbers(r *rand.Rand) error {
	number := func(words int) *big.Int {
		b := make([]byte, 8*words)
		fill(r, b)
		b[0] |= 1
		return new(big.Int).SetBytes(b)
	}
	a, b, c := number(200+r.IntN(100)), number(150), number(100)
	x := new(big.Int).Mul(a, b)
	x.Add(x, c)
	q, m := new(big.Int).QuoRem(x, a, new(big.Int))
	if q.Cmp(b) != 0 || m.Cmp(c) != 0 {
		return fmt.Errorf("(a*b+c)/a is not b, remainder c")
	}
	back, ok := new(big.Int).SetString(x.Text(16), 16)
	if !ok || back.Cmp(x) != 0 {
		return fmt.Errorf("a number changed on its way through text")
	}
	return nil
}
