package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The AES-256 test cases 13 to 16 of McGrew and Viega, "The Galois/Counter
// Mode of Operation (GCM)", appendix B. What aimux seals is nonce ‖ ciphertext ‖
// tag, so that its own opening can be held against them.
func TestVectors_GCM(t *testing.T) {
	const (
		key   = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
		nonce = "cafebabefacedbaddecaf888"
		plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
		text  = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
	)
	zero := "0000000000000000000000000000000000000000000000000000000000000000"
	for name, v := range map[string]struct{ key, nonce, plain, aad, text, tag string }{
		"13": {zero, zero[:24], "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
		"14": {zero, zero[:24], zero[:32], "", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
		"15": {key, nonce, plain, "", text, "b094dac5d93471bdec1a502270e3cc6c"},
		"16": {key, nonce, plain[:120], "feedfacedeadbeeffeedfacedeadbeefabaddad2", text[:120], "76fc6ece0f4e1768cddf8853bb2d551b"},
	} {
		aead, err := newAEAD(unhex(t, v.key))
		if err != nil {
			t.Fatal(err)
		}
		sealed := unhex(t, v.nonce+v.text+v.tag)
		got, err := aead.Open(nil, nil, sealed, unhex(t, v.aad))
		if err != nil || hex.EncodeToString(got) != v.plain {
			t.Errorf("case %s: %x, %v", name, got, err)
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := aead.Open(nil, nil, sealed, unhex(t, v.aad)); err == nil {
			t.Errorf("case %s: a flipped bit was not noticed", name)
		}
	}
}

// RFC 5869, appendix A.1 to A.3.
func TestVectors_HKDF(t *testing.T) {
	count := func(from, n int) (b []byte) {
		for i := range n {
			b = append(b, byte(from+i))
		}
		return b
	}
	elevens := unhex(t, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b")
	for name, v := range map[string]struct {
		key, salt, info []byte
		want            string
	}{
		"A.1": {elevens, count(0, 13), count(0xf0, 10), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
		"A.2": {count(0, 80), count(0x60, 80), count(0xb0, 80), "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c" +
			"59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
		"A.3": {elevens, nil, nil, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
	} {
		got, err := hkdf.Key(sha256.New, v.key, v.salt, string(v.info), len(v.want)/2)
		if err != nil || hex.EncodeToString(got) != v.want {
			t.Errorf("%s: %x, %v; want %s", name, got, err, v.want)
		}
	}
}

// The test vectors of the reference implementation (test.c of
// phc-winner-argon2, version 19, Argon2id): password "password", salt
// "somesalt".
func TestVectors_Argon2id(t *testing.T) {
	for _, v := range []struct {
		time, memoryKiB uint32
		threads         uint8
		want            string
	}{
		{2, 1 << 16, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		{2, 1 << 8, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		{2, 1 << 8, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
		{1, 1 << 16, 1, "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
		{4, 1 << 16, 1, "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"},
	} {
		got := argon2.IDKey([]byte("password"), []byte("somesalt"), v.time, v.memoryKiB, v.threads, 32)
		if hex.EncodeToString(got) != v.want {
			t.Errorf("t=%d m=%d p=%d: %x, want %s", v.time, v.memoryKiB, v.threads, got, v.want)
		}
		k := kdf{Salt: []byte("somesalt"), Time: v.time, MemoryKiB: v.memoryKiB, Threads: v.threads}
		if own := k.derive(secret.New("password")); string(own) != string(got) {
			t.Errorf("derive gives %x", own)
		}
	}
}

func TestKDF_UsualCostLiesWithinTheBounds(t *testing.T) {
	if err := newKDF().check(); err != nil {
		t.Error(err)
	}
	if usualCost.MemoryKiB != 64<<10 || usualCost.Time != 3 || usualCost.Threads != 1 {
		t.Errorf("usual cost %+v", usualCost)
	}
	for _, c := range []kdf{floorCost, ceilingCost} {
		c.Name, c.Salt = kdfArgon2, randomBytes(16)
		if err := c.check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestBind_PartsCannotBeShifted(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {}} {
		seen[string(bind(parts...))] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d different bindings of 6 lists", len(seen))
	}
	base := record{ID: "a", Version: 1, DEK: "d", Origin: zai}
	changes := map[string]func(*record){
		"id": func(r *record) { r.ID = "b" }, "version": func(r *record) { r.Version = 2 },
		"data key": func(r *record) { r.DEK = "e" }, "origin": func(r *record) { r.Origin = minimax },
	}
	for name, change := range changes {
		r := base
		change(&r)
		if string(bindRecord("s", &r)) == string(bindRecord("s", &base)) {
			t.Errorf("the %s is not bound", name)
		}
	}
	if string(bindRecord("s", &base)) == string(bindRecord("t", &base)) {
		t.Error("the keystore is not bound")
	}
}
