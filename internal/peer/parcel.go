package peer

import "net"

// parcel is what goes out in one write: small frames copied together, the payloads of large ones as they
// are.
type parcel struct {
	buf   []byte
	parts net.Buffers
	array net.Buffers // what parts began as; writing eats parts up
}

const (
	parcelBytes = 1 << 20  // a parcel is closed when it has so many
	copyBytes   = 16 << 10 // payloads up to this size are copied
)

// fill takes frames from the front and tells how many, and how many bytes they are.
func (p *parcel) fill(frames []Frame) (n, size int) {
	p.buf, p.parts = p.buf[:0], p.array[:0]
	start := 0
	for n < len(frames) && size < parcelBytes {
		f := frames[n]
		if len(f.Payload) <= copyBytes {
			p.buf = appendFrame(p.buf, f)
		} else {
			// Growing buf later leaves this part in the array before, with the same bytes.
			p.buf = appendHead(p.buf, f)
			p.parts = append(p.parts, p.buf[start:], f.Payload)
			start = len(p.buf)
		}
		size += frameHead + len(f.Payload)
		n++
	}
	if start < len(p.buf) {
		p.parts = append(p.parts, p.buf[start:])
	}
	p.array = p.parts
	return n, size
}

func (p *parcel) writeTo(conn net.Conn) error {
	defer clear(p.array)
	if len(p.parts) == 1 {
		_, err := conn.Write(p.parts[0])
		return err
	}
	_, err := p.parts.WriteTo(conn)
	return err
}
