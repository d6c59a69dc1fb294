// Runs the clients that most controllers are written with against an API server, and says what worked: client-go, its
// leader election, and controller-runtime's client, cache and manager. Built-in kinds go over the wire in protobuf.
//
// Usage: clients KUBECONFIG. One line for each thing that was seen to work; exit status 1 at the first that did not.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

const patience = 60 * time.Second

type check struct {
	name   string
	run    func(context.Context, *rest.Config) error
	config *rest.Config
}

func main() {
	ctrl.SetLogger(klog.Background())
	if err := all(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func all(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 500, 500
	binary := rest.CopyConfig(config) // controller-runtime chooses by itself
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	binary.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	checks := []check{
		{"statuses in protobuf", statuses, binary},
		{"informer", informer, binary},
		{"leader election", election, binary},
		{"controller-runtime client", runtimeClient, config},
		{"controller-runtime manager", manager, config},
	}
	for _, one := range checks {
		if err := one.run(ctx, one.config); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		fmt.Println("works:", one.name)
	}
	return nil
}
