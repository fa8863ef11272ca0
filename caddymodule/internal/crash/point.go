// Package crash names the places where a sudden death of the process would
// hurt most: before and after a write, an fsync, a rename.
//
// In an ordinary build [Point] does nothing and costs nothing. Built with the
// tag "crashpoints", it kills the process with SIGKILL when the environment
// variable AIMUX_CRASH_AT holds the name of the point, or the name followed by
// "#3" for the third time it is reached. AIMUX_CRASH_TRACE names a file to which
// each point that is reached adds a line, so that a test learns which there
// are. A test runs itself as a child process, lets it die, and looks at what is
// left.
package crash
