package main

import (
	"context"
	"fmt"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// election lets one candidate lead, renew and step down; then the other one leads.
func election(ctx context.Context, config *rest.Config) error {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, name := range []string{"first", "second"} {
		if err := lead(ctx, clients, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	lease, err := clients.CoordinationV1().Leases(namespace).Get(ctx, "election", meta.GetOptions{})
	if err != nil {
		return err
	}
	if lease.Spec.LeaseTransitions == nil || lease.Spec.AcquireTime == nil {
		return fmt.Errorf("the Lease says nothing of its holders: %v", lease.Spec)
	}
	return nil
}

func lead(ctx context.Context, clients kubernetes.Interface, name string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	leads := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  meta.ObjectMeta{Namespace: namespace, Name: "election"},
			Client:     clients.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name},
		},
		LeaseDuration:   3 * time.Second,
		RenewDeadline:   2 * time.Second,
		RetryPeriod:     200 * time.Millisecond,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(leads) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { elector.Run(ctx); close(ended) }()
	select {
	case <-leads:
	case <-ctx.Done():
		return fmt.Errorf("never led: %w", ctx.Err())
	}
	taken := time.Now()
	for {
		lease, err := clients.CoordinationV1().Leases(namespace).Get(ctx, "election", meta.GetOptions{})
		if err != nil {
			return err
		}
		if holder := lease.Spec.HolderIdentity; holder == nil || *holder != name {
			return fmt.Errorf("the Lease names %v", holder)
		}
		if lease.Spec.RenewTime.After(taken) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	<-ended
	return nil
}
