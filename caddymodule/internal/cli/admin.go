package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// admin is `aimux admin …`.
func (h *Host) admin(cmd *cobra.Command) {
	cmd.Use = "admin <command>"
	cmd.Short = "Sets passwords of the console"
	cmd.Long = "Works on the users of the console, directly in their file; a server that runs takes it up at once."
	cmd.Example = examples("aimux admin passwd", "aimux admin passwd anna --stdin < password.txt")
	h.flags(cmd)
	group(cmd, h.adminPasswd())
}

func (h *Host) adminPasswd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "passwd [USER]", Short: "Sets the password of a user of the console",
		Long: "Sets a new password without asking for the old one, also while the server runs, and ends the sessions of that user. Without a name the user is admin. " +
			"A user that does not exist becomes an administrator. The password is asked for, or read with --stdin or --file.",
		Example: examples("aimux admin passwd", "aimux admin passwd anna --stdin < password.txt"), Args: takes("[USER]"),
	}
	secretFlags(cmd, "the password")
	cmd.RunE = h.run(func(s *session, args []string) error {
		user := "admin"
		if len(args) > 0 {
			user = args[0]
		}
		text, err := s.secret("a new password for "+clean(user), true)
		if err != nil {
			return err
		}
		err = s.files("password.reset", user, func(*Files) error { return s.host.SetPassword(s.ctx, user, text) })
		if err != nil {
			return err
		}
		if s.json() {
			data, err := encode(map[string]string{"user": user})
			if err != nil {
				return err
			}
			return s.printJSON(data)
		}
		_, err = fmt.Fprintf(s.out, "the password of %s is set\n", clean(user))
		return err
	})
	return cmd
}
