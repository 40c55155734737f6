// Command kubectl is upstream's kubectl; upstream's own main package is part of
// k8s.io/kubernetes, which would bring the whole of Kubernetes into this module.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"

	// Authentication plug-ins for kubeconfig files of cloud clusters.
	_ "k8s.io/client-go/plugin/pkg/client/auth"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
