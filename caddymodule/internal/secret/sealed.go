package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"sync"
)

// Sealed is a text that is kept encrypted in memory, under a key that this
// process made for itself, and opened for the moment it is needed. It keeps
// secrets out of a dump of memory that does not also hold that key; it is no
// protection from whoever can read all of the process.
type Sealed struct{ data []byte }

// keeper is made with the first secret.
var keeper = sync.OnceValue(func() cipher.AEAD {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, by its documentation
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("secret: " + err.Error()) // 32 bytes are a key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("secret: " + err.Error())
	}
	return aead
})

// Seal encrypts text.
func Seal(text string) Sealed { return Sealed{keeper().Seal(nil, nil, []byte(text), nil)} }

// Open returns the text. The zero value holds none.
func (s Sealed) Open() (string, error) {
	if s.data == nil {
		return "", nil
	}
	text, err := keeper().Open(nil, nil, s.data, nil)
	return string(text), err
}
