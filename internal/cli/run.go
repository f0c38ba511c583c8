package cli

import "github.com/spf13/cobra"

func (p Program) runCommand() *cobra.Command { return &cobra.Command{Use: "run"} }
