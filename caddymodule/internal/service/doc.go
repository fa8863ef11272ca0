// Package service makes aimux a service of the machine: of systemd, for the
// machine or for one user, and of launchd, for one user of a Mac.
//
// Plan works out what installing or removing takes, as a list of steps that can
// be shown instead of done. Nothing that belongs to the user is overwritten or
// removed: configuration, keys and data stay. Doing a step again does no harm.
//
// The units themselves are files of directory deploy, which are part of the
// binary. The plan for systemd does what deploy/scripts/install.sh does.
package service
