// Package backup saves what aimux would be lost without in one encrypted file, and
// brings it back.
//
// An archive is a tar file encrypted with age, for a passphrase or for recipients.
// It ends with a manifest of the size and the SHA-256 sum of everything in it, so
// that an archive that was cut off or changed is never taken for a whole one.
//
// Create writes an archive, Verify reads one to its end, Stage unpacks one into a
// directory of its own and compares it with the files of the present. Swap puts the
// staged files in the place of the present ones, all or none: whenever the process
// or the machine dies, Recover makes either the old or the new set whole at the next
// start. Undo goes back to the old set for as long as it is kept. Runner makes
// backups on a schedule and deletes those that Keep does not want.
//
// Archives are untrusted: only regular files with plain names, bounded in number and
// size, are unpacked, and never out of the staging directory.
package backup
