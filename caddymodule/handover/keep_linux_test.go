package handover

import (
	"io"
	"net"
	"testing"
	"time"
)

// pair returns both ends of a connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	near, far = accepted.(*net.TCPConn), dialled.(*net.TCPConn)
	for _, c := range []net.Conn{near, far} {
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { c.Close() })
	}
	return near, far
}

func TestTaken_CountsWhatWasReadNotWhatWaits(t *testing.T) {
	near, far := pair(t)
	want := func(bytes uint64) {
		t.Helper()
		if got, known := taken(near); !known || got != bytes {
			t.Errorf("%d, %t; want %d", got, known, bytes)
		}
	}
	want(0)
	if _, err := far.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if !readable(near) {
		t.Fatal("nothing to read")
	}
	want(0)
	if _, err := io.ReadFull(near, make([]byte, 30)); err != nil {
		t.Fatal(err)
	}
	want(30)
}

func TestAgain_TheOtherSideNoticesNothing(t *testing.T) {
	near, far := pair(t)
	ended := make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 1))
		ended <- err
	}()
	// Making a copy lets reads block for a moment, which would be for good: a
	// connection is copied only when it has been seen waiting for settleStep.
	time.Sleep(settleStep)
	copied := again(near)
	if copied == nil {
		t.Fatal("no copy")
	}
	near.Close()
	defer copied.Close()
	if err := <-ended; err == nil {
		t.Error("who read from the connection before goes on")
	}
	for _, c := range [][2]net.Conn{{far, copied}, {copied, far}} {
		if _, err := io.WriteString(c[0], "hello"); err != nil {
			t.Fatal(err)
		}
		heard := make([]byte, 5)
		if _, err := io.ReadFull(c[1], heard); err != nil || string(heard) != "hello" {
			t.Errorf("heard %q, %v", heard, err)
		}
	}
}
