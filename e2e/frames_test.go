package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// frames is an HTTP/2 upstream made of frames, for what no server library does:
// it meets its first requests with codes and answers the later ones.
type frames struct {
	addr, ca string
	codes    []http2.ErrCode
	asked    atomic.Int64
	// goaway announces the end of the connection, naming an earlier stream as
	// the last, instead of resetting the request.
	goaway bool
}

// listen starts the upstream. It ends with the spec.
func (f *frames) listen() {
	GinkgoHelper()
	cert, ca := selfSigned()
	f.ca = filepath.Join(GinkgoT().TempDir(), "ca.pem")
	Expect(os.WriteFile(f.ca, ca, 0o600)).To(Succeed())
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	f.addr = l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(c)
		}
	}()
}

// serve speaks HTTP/2 on one connection.
func (f *frames) serve(c net.Conn) {
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(c, c)
	if framer.WriteSettings() != nil {
		return
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.DataFrame:
			if frame.StreamEnded() && !f.meet(framer, frame.StreamID) {
				return
			}
		}
	}
}

// meet answers a request that has arrived whole. It reports whether the
// connection goes on.
func (f *frames) meet(framer *http2.Framer, stream uint32) bool {
	n := int(f.asked.Add(1)) - 1
	switch {
	case n >= len(f.codes):
		f.answer(framer, stream)
	case f.goaway:
		_ = framer.WriteGoAway(0, f.codes[n], nil)
		return false
	default:
		_ = framer.WriteRSTStream(stream, f.codes[n])
	}
	return true
}

func (f *frames) answer(framer *http2.Framer, stream uint32) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range []hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/json"}} {
		_ = encoder.WriteField(field)
	}
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = framer.WriteData(stream, true, []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"frames:1:0"},"finish_reason":"stop"}]}`))
}

// selfSigned makes a certificate for the loopback address.
func selfSigned() (tls.Certificate, []byte) {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	Expect(err).NotTo(HaveOccurred())
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

var _ = Describe("The fault matrix", func() {
	DescribeTable("an HTTP/2 upstream that drops a request", func(f *frames, by string, asked int) {
		f.listen()
		good := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "good", Tokens: 1})
		gw := harness.Start(GinkgoT(), harness.Config{Env: []string{"SSL_CERT_FILE=" + f.ca}, Providers: []harness.Provider{
			{Name: "frames", Kind: "openai-compatible", URL: "https://" + f.addr + "/v1", Keys: []string{"k"}}, good.As("good", "simulator", "k"),
		}})
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Outcome(1)).To(Equal(harness.OK), "%s", a.Body)
		seen, _ := a.Transcript()
		Expect(seen.Name).To(Equal(by))
		Expect(f.asked.Load()).To(BeEquivalentTo(asked))
	},
		Entry("12 REFUSED_STREAM: it was not processed, so it is asked again", &frames{codes: []http2.ErrCode{http2.ErrCodeRefusedStream}}, "frames", 2),
		Entry("12 INTERNAL_ERROR: another target answers", &frames{codes: []http2.ErrCode{http2.ErrCodeInternal}}, "good", 1),
		Entry("11 GOAWAY that leaves it out: it is asked again", &frames{codes: []http2.ErrCode{http2.ErrCodeNo}, goaway: true}, "frames", 2),
	)
})
