package fields

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrShort says that the bytes end in the middle of a field.
var ErrShort = errors.New("the bytes end in the middle of a field")

// String appends the length of s and s.
func String(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// Bool appends 1 or 0.
func Bool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// Uvarint appends v in one to ten bytes, small numbers in few.
func Uvarint(dst []byte, v uint64) []byte { return binary.AppendUvarint(dst, v) }

// Varint appends v in one to ten bytes, numbers near zero in few.
func Varint(dst []byte, v int64) []byte { return binary.AppendVarint(dst, v) }

// Uint64 appends v in eight bytes.
func Uint64(dst []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(dst, v) }

// Reader takes fields off the front of a string. After its first error it gives zero values. The strings
// that it gives share the memory of the whole.
type Reader struct {
	rest string
	err  error
}

// NewReader reads a copy of data.
func NewReader(data []byte) Reader { return Reader{rest: string(data)} }

// StringReader reads s.
func StringReader(s string) Reader { return Reader{rest: s} }

// Len gives how many bytes are left.
func (r *Reader) Len() int { return len(r.rest) }

// Err gives the first error.
func (r *Reader) Err() error { return r.err }

// End gives the first error, or that bytes are left over, naming what was read.
func (r *Reader) End(what string) error {
	if r.err == nil && r.rest != "" {
		r.err = fmt.Errorf("%d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return fmt.Errorf("%s cannot be read: %w", what, r.err)
	}
	return nil
}

// Take gives the next n bytes.
func (r *Reader) Take(n int) string {
	if r.err != nil || n < 0 || n > len(r.rest) {
		r.Fail(ErrShort)
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// Fail makes err the reader's error unless it has one, and drops what is left.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = ""
}

// Byte takes one byte.
func (r *Reader) Byte() byte {
	if s := r.Take(1); s != "" {
		return s[0]
	}
	return 0
}

// Bool takes what Bool appended.
func (r *Reader) Bool() bool { return r.Byte() == 1 }

// Uint64 takes what Uint64 appended.
func (r *Reader) Uint64() uint64 {
	s := r.Take(8)
	if s == "" {
		return 0
	}
	return binary.LittleEndian.Uint64([]byte(s))
}

// Uvarint takes what Uvarint appended.
func (r *Reader) Uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 { // most numbers are small
		v := uint64(r.rest[0])
		r.rest = r.rest[1:]
		return v
	}
	return r.longUvarint()
}

func (r *Reader) longUvarint() (v uint64) {
	for i := 0; i < min(len(r.rest), binary.MaxVarintLen64); i++ {
		b := r.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	if len(r.rest) < binary.MaxVarintLen64 {
		r.Fail(ErrShort)
	} else {
		r.Fail(errors.New("a number is longer than ten bytes"))
	}
	return 0
}

// Varint takes what Varint appended.
func (r *Reader) Varint() int64 {
	v := r.Uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// Count takes the number of items that follow, each of at least size bytes, so that a damaged count cannot
// ask for more memory than the bytes could ever fill.
func (r *Reader) Count(size int) int {
	n := r.Uvarint()
	if n > uint64(len(r.rest)/size) {
		r.Fail(ErrShort)
		return 0
	}
	return int(n)
}

// String takes what String appended.
func (r *Reader) String() string {
	n := r.Uvarint()
	if n > uint64(len(r.rest)) {
		r.Fail(ErrShort)
		return ""
	}
	return r.Take(int(n))
}

// ID takes sixteen bytes.
func (r *Reader) ID() (id [16]byte) {
	copy(id[:], r.Take(len(id)))
	return id
}
