package caddymodule

import "github.com/spf13/cobra"

// setupCommands are the commands that bring aimux onto a machine and keep it
// there: first steps, clients, migration, backups, services.
var setupCommands = [...]func(*cobra.Command){
	initCommand, migrateCommand, scanCommand,
	claudeCommand, codexCommand, envCommand, clientSetupCommand, backupCommand, restoreCommand, serviceCommand,
}
