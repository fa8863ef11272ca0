// Package egress says what may leave the gateway and what may come back: which
// addresses may be dialled, how TLS is spoken, and which header fields cross in
// either direction.
//
// Names prove nothing: what a name resolves to may change between a check and a
// connection. So the check that counts is made of the address that is really
// dialled, in the dialer's control function, after resolution and before the
// first packet. CheckURL, which looks at configuration, is there for clear
// messages and to keep keys from crossing a network in the clear.
//
// Header fields pass by allow-lists. What is on neither list stays where it is.
package egress
