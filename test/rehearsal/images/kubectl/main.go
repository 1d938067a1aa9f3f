package main

import (
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

// As the main program in kubernetes/kubernetes (cmd/kubectl), without the logs and their flag -v: they need modules that kubectl's
// library does not pin.
func main() {
	command := cmd.NewDefaultKubectlCommand()
	command.SetGlobalNormalizationFunc(cliflag.WordSepNormalizeFunc)
	command.SilenceErrors = true
	command.SilenceUsage = true
	if err := command.Execute(); err != nil {
		util.CheckErr(err)
	}
}
