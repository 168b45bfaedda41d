package peer

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// The handshake, dialler D and acceptor A:
//
//	without a password         with one
//	D: hello                   D: hello
//	A: hello                   A: challenge (a nonce)
//	                           D: proof over D's hello and A's nonce
//	                           A: hello with the same nonce, proof over both hellos
//
// Hellos hold a nonce each, and each proof the role of its maker, so none can be replayed or reflected. A
// says nothing of itself (cluster, addresses, status) before D has proven that it knows the password;
// that is why D's proof cannot cover A's hello. D's hello names the node that D means to reach, so a
// proof cannot be passed on to another node either.

// side is what one end brings into a handshake.
type side struct {
	me     Identity
	key    []byte // nil: no password
	served bool   // the other end need not be on this machine, or is
	remote string
	greet  func() []byte
	admit  func(Greeting) error
	name   func(id uint64) string                    // what that node is called
	meant  func(by Greeting, id uint64, name string) // somebody of another cluster meant a node of that id
}

// passwordKey makes guessing slow for one who overheard a handshake.
func passwordKey(password string) ([]byte, error) {
	if password == "" {
		return nil, nil
	}
	return pbkdf2.Key(sha256.New, password, []byte("caucus peer"), 50_000, sha256.Size)
}

const (
	labelDialler  = "caucus peer 1 dialler"
	labelAcceptor = "caucus peer 1 acceptor"
	labelRefusal  = "caucus peer 1 refusal"
)

func proof(key []byte, label string, diallerHello, rest []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(label))
	mac.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(diallerHello))))
	mac.Write(diallerHello)
	mac.Write(rest)
	return mac.Sum(nil)
}

// dial is the dialler's part. To is the id of the node that is meant, 0 for anybody.
func (s side) dial(rw io.ReadWriter, purpose Purpose, to uint64) (Greeting, error) {
	mine, err := s.hello(purpose, to, freshNonce()).encode()
	if err != nil {
		return Greeting{}, err
	}
	if err := writeLetters(rw, letter{Version, letterHello, mine}); err != nil {
		return Greeting{}, err
	}
	var challenge []byte
	if s.key != nil {
		if challenge, err = s.prove(rw, mine); err != nil {
			return Greeting{}, err
		}
	}
	theirs, err := expect(rw, letterHello)
	if err != nil {
		return Greeting{}, s.believe(rw, mine, err)
	}
	if s.key != nil {
		if err := s.verifyAcceptor(rw, mine, theirs); err != nil {
			return Greeting{}, err
		}
	}
	return s.judgeAnswer(theirs, challenge, purpose, to)
}

// prove answers the acceptor's challenge and gives its nonce.
func (s side) prove(rw io.ReadWriter, mine []byte) ([]byte, error) {
	nonce, err := expect(rw, letterChallenge)
	if err != nil {
		return nil, err
	}
	if len(nonce) != len(hello{}.nonce) {
		return nil, fmt.Errorf("%w: a challenge of %d bytes", ErrGarbled, len(nonce))
	}
	return nonce, writeLetters(rw, letter{Version, letterProof, proof(s.key, labelDialler, mine, nonce)})
}

func (s side) verifyAcceptor(r io.Reader, mine, theirs []byte) error {
	got, err := expect(r, letterProof)
	if err != nil {
		return err
	}
	if !hmac.Equal(got, proof(s.key, labelAcceptor, mine, theirs)) {
		return refuse(RefusedPassword, "password")
	}
	return nil
}

func (s side) judgeAnswer(body, challenge []byte, purpose Purpose, to uint64) (Greeting, error) {
	h, err := decodeHello(body)
	if err != nil {
		return Greeting{}, err
	}
	if h.purpose != purpose || challenge != nil && string(challenge) != string(h.nonce[:]) {
		return Greeting{}, fmt.Errorf("%w: the answer is to another greeting", ErrGarbled)
	}
	if r := s.foreign(h.from); r != nil {
		return Greeting{}, r
	}
	if to != 0 && h.from.ID != to {
		return Greeting{}, refuse(RefusedMistaken, "%v answered where id %x was meant", h.from, to)
	}
	return s.admitted(h, To)
}

// accept is the acceptor's part. A refusal is told to the dialler before it is returned.
func (s side) accept(rw io.ReadWriter) (Greeting, error) {
	theirs, h, err := s.readHello(rw)
	if err != nil {
		return Greeting{}, tell(rw, err)
	}
	nonce := freshNonce()
	if s.key != nil {
		if err := s.challenge(rw, theirs, nonce); err != nil {
			return Greeting{}, tell(rw, err)
		}
	}
	g, err := s.judgeDialler(h)
	if err != nil {
		return Greeting{}, s.swear(rw, theirs, err)
	}
	mine, err := s.hello(h.purpose, h.from.ID, nonce).encode()
	if err != nil {
		return Greeting{}, err
	}
	letters := []letter{{Version, letterHello, mine}}
	if s.key != nil {
		letters = append(letters, letter{Version, letterProof, proof(s.key, labelAcceptor, theirs, mine)})
	}
	return g, writeLetters(rw, letters...)
}

// readHello reads the dialler's hello and refuses what can be refused before any proof.
func (s side) readHello(r io.Reader) ([]byte, hello, error) {
	body, err := expect(r, letterHello)
	if err != nil {
		return nil, hello{}, err
	}
	if !s.served {
		return nil, hello{}, refuse(RefusedDenied,
			"DENIED this door serves only loopback until --password-file or --tls-cert is set")
	}
	h, err := decodeHello(body)
	if err != nil {
		return nil, hello{}, err
	}
	if h.password != (s.key != nil) {
		return nil, hello{}, refuse(RefusedPassword, "password")
	}
	return body, h, nil
}

func (s side) challenge(rw io.ReadWriter, theirs []byte, nonce [32]byte) error {
	if err := writeLetters(rw, letter{Version, letterChallenge, nonce[:]}); err != nil {
		return err
	}
	got, err := expect(rw, letterProof)
	if err != nil {
		return err
	}
	if !hmac.Equal(got, proof(s.key, labelDialler, theirs, nonce[:])) {
		return refuse(RefusedPassword, "password")
	}
	return nil
}

func (s side) judgeDialler(h hello) (Greeting, error) {
	if h.to != 0 && h.from.belongs() && h.from.Cluster != s.me.Cluster {
		s.meant(s.greeting(h, From), h.to, h.toName)
	}
	if r := s.foreign(h.from); r != nil {
		return Greeting{}, r
	}
	if h.to != 0 && s.me.ID == 0 && h.toName == s.me.Name {
		return Greeting{}, refuse(RefusedUnready, "%v, which is to have id %x, is not ready yet", s.me, h.to)
	}
	if h.to != 0 && h.to != s.me.ID {
		return Greeting{}, refuse(RefusedMistaken, "this is %v, and id %x was meant", s.me, h.to)
	}
	if h.purpose != ForCall && !(h.from.belongs() && s.me.belongs()) {
		return Greeting{}, refuse(RefusedPurpose, "%v need both ends to belong to a cluster", h.purpose)
	}
	if h.purpose != ForCall && h.from.ID == s.me.ID {
		return Greeting{}, refuse(RefusedMistaken, "both ends say that they are id %x", s.me.ID)
	}
	return s.admitted(h, From)
}

// foreign refuses one who belongs to another cluster. Who belongs to none may call anybody.
func (s side) foreign(other Identity) error {
	none := [16]byte{}
	if other.Cluster == s.me.Cluster || other.Cluster == none || s.me.Cluster == none {
		return nil
	}
	return refuse(RefusedCluster, "%v belongs to cluster %s, %v to cluster %s", s.me,
		clusterText(s.me.Cluster), other, clusterText(other.Cluster))
}

func (s side) admitted(h hello, way Way) (Greeting, error) {
	g := s.greeting(h, way)
	err := s.admit(g)
	if _, ok := refusalIn(err); err == nil || ok {
		return g, err
	}
	return Greeting{}, refuse(RefusedOwner, "%v", err)
}

func (s side) greeting(h hello, way Way) Greeting {
	return Greeting{From: h.from, Status: h.status, Purpose: h.purpose, Way: way, Remote: s.remote}
}

func (s side) hello(purpose Purpose, to uint64, nonce [32]byte) hello {
	return hello{purpose: purpose, password: s.key != nil, nonce: nonce, to: to, toName: s.name(to), from: s.me,
		status: s.greet()}
}

// expect reads a letter of the given kind. A refusal in its place is the error.
func expect(r io.Reader, kind letterKind) ([]byte, error) {
	l, err := readLetter(r)
	if err != nil {
		return nil, err
	}
	if l.kind == letterRefusal {
		return nil, decodeRefusal(l.body)
	}
	if l.version != Version {
		return nil, refuse(RefusedVersion, "one end speaks version %d of the peer protocol, the other %d",
			Version, l.version)
	}
	if l.kind != kind {
		return nil, fmt.Errorf("%w: letter %d where %d was due", ErrGarbled, l.kind, kind)
	}
	return l.body, nil
}

// tell passes a refusal of our own on to the other side and returns it.
func tell(w io.Writer, err error) error {
	if r, ok := refusalIn(err); ok && r.Mine {
		// That the other side may be gone already changes nothing about the refusal.
		_ = writeLetters(w, letter{Version, letterRefusal, r.encode()})
	}
	return err
}

// swear is tell, with a proof behind a refusal that makes the other side stop: whoever sits at the address of
// a peer must not be able to stop a node by a word.
func (s side) swear(w io.Writer, diallerHello []byte, err error) error {
	r, ok := refusalIn(err)
	if !ok || s.key == nil || !r.Mine || !r.Code.final() {
		return tell(w, err)
	}
	body := r.encode()
	// That the other side may be gone already changes nothing about the refusal.
	_ = writeLetters(w, letter{Version, letterRefusal, body},
		letter{Version, letterProof, proof(s.key, labelRefusal, diallerHello, body)})
	return err
}

// believe gives the refusal that came in place of a hello, unless it lacks the proof that it needs.
func (s side) believe(r io.Reader, mine []byte, err error) error {
	refusal, ok := refusalIn(err)
	if !ok || s.key == nil || !refusal.Code.final() {
		return err
	}
	got, missing := expect(r, letterProof)
	if missing != nil || !hmac.Equal(got, proof(s.key, labelRefusal, mine, refusal.encode())) {
		return refuse(RefusedPassword, "password")
	}
	return err
}

// writeLetters writes all in one piece.
func writeLetters(w io.Writer, letters ...letter) error {
	var b []byte
	for _, l := range letters {
		b = appendLetter(b, l)
	}
	_, err := w.Write(b)
	return err
}

func freshNonce() (nonce [32]byte) {
	// crypto/rand.Read never fails: it would end the program first.
	_, _ = rand.Read(nonce[:])
	return nonce
}
