// Package cli is the commands that look at a gateway and change it: status,
// providers, keys, clients, usage, top and the like.
//
// Each of them speaks the console's API (docs/api.md), which it reaches by a
// Way: the server that runs, by its admin endpoint, or, where none runs, the
// same API in this very process over the same files. What only files can tell,
// the vault and copies of the audit log, comes from Files. The program that
// the commands are part of supplies both in a Host.
//
// Promises, for all commands: what was asked for goes to the standard output,
// everything else to the standard error; --json prints the API's own answer;
// a pipe gets no colour; secrets are read from a terminal, a pipe or a file,
// never from the command line, and none is printed but a client's new token,
// once. The exit codes are those of type Exit.
//
// The package knows cobra and nothing of Caddy.
package cli
