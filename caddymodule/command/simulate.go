package command

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/spf13/cobra"
)

// simulateCommand is `aimux simulate`: a provider to try aimux, or anything
// else, against.
func simulateCommand(cmd *cobra.Command) {
	var (
		listen  string
		options simulator.Options
	)
	cmd.Use = "simulate [--listen <address>]"
	cmd.Short = "Serves a simulated provider: every dialect, every fault"
	cmd.Long = "Serves a provider that answers at once with made-up text in every dialect, and fails on request: with a header X-Sim-Fault, a key or a model name such as sim/429."
	cmd.Example = "  aimux simulate --listen 127.0.0.1:9001 --vendor cerebras --tokens-per-second 200"
	cmd.Args = cobra.NoArgs
	cmd.SilenceUsage = true
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9001", "the loopback address to listen on")
	cmd.Flags().StringVar(&options.Name, "name", "sim", "the name that marks every word it says")
	cmd.Flags().StringVar(&options.Vendor, "vendor", "", "whose habits to imitate: cerebras, zai, minimax …")
	cmd.Flags().BoolVar(&options.Strict, "strict", false, "refuse what real vendors refuse")
	cmd.Flags().DurationVar(&options.TTFT, "ttft", 0, "time to the first token")
	cmd.Flags().Float64Var(&options.TokensPerSecond, "tokens-per-second", 0, "pace of the tokens after it; 0: none")
	cmd.Flags().IntVar(&options.Tokens, "tokens", 0, "words in an answer")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		listener, err := net.Listen("tcp", listen)
		if err != nil {
			return err
		}
		options.MaxRecords = -1
		server := &http.Server{Handler: simulator.New(options), ReadHeaderTimeout: 10 * time.Second}
		fmt.Fprintf(cmd.ErrOrStderr(), "simulated provider on http://%s\n", listener.Addr())
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt)
		go func() {
			<-stop
			server.Close()
		}()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}
