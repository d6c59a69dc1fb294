package main

import (
	"context"
	"fmt"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// runtimeClient does what a reconciler does to objects.
func runtimeClient(ctx context.Context, config *rest.Config) error {
	api, err := client.New(config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		return err
	}
	made := &core.ConfigMap{ObjectMeta: named("runtime"), Data: map[string]string{"a": "1"}}
	if err := api.Create(ctx, made); err != nil {
		return err
	}
	before := made.DeepCopy()
	made.Data["b"] = "2"
	if err := api.Patch(ctx, made, client.MergeFrom(before)); err != nil {
		return err
	}
	stated := applycore.ConfigMap("runtime", namespace).WithData(map[string]string{"c": "3"})
	if err := api.Apply(ctx, stated, client.FieldOwner("clients"), client.ForceOwnership); err != nil {
		return err
	}
	read := &core.ConfigMap{}
	if err := api.Get(ctx, client.ObjectKeyFromObject(made), read); err != nil {
		return err
	}
	if err := want("entries", len(read.Data), 3); err != nil {
		return err
	}
	stale := made.DeepCopy()
	stale.Data["d"] = "4"
	if err := api.Update(ctx, stale); !apierrors.IsConflict(err) {
		return fmt.Errorf("an update of an old version is answered %v", err)
	}
	account := &core.ServiceAccount{ObjectMeta: named("runtime")}
	for range 2 {
		mutate := func() error { account.Labels = map[string]string{"app": "clients", "again": "yes"}; return nil }
		if _, err := controllerutil.CreateOrUpdate(ctx, api, account, mutate); err != nil {
			return err
		}
	}
	if err := api.DeleteAllOf(ctx, made, client.InNamespace(namespace), client.MatchingLabels(labels)); err != nil {
		return err
	}
	left := &core.ConfigMapList{}
	if err := api.List(ctx, left, client.InNamespace(namespace), client.MatchingLabels(labels)); err != nil {
		return err
	}
	return want("ConfigMaps left", len(left.Items), 0)
}

type counter struct{ client.Client }

// Reconcile keeps a ConfigMap for each Deployment, and says so in the Deployment's status.
func (c counter) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	found := &apps.Deployment{}
	if err := c.Get(ctx, request.NamespacedName, found); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if found.Labels["reconciled"] != "please" {
		return ctrl.Result{}, nil
	}
	child := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: request.Name + "-child", Namespace: request.Namespace}}
	mutate := func() error {
		child.Data = map[string]string{"generation": fmt.Sprint(found.Generation)}
		return controllerutil.SetControllerReference(found, child, c.Scheme())
	}
	if _, err := controllerutil.CreateOrUpdate(ctx, c.Client, child, mutate); err != nil {
		return ctrl.Result{}, err
	}
	if found.Status.ObservedGeneration == found.Generation {
		return ctrl.Result{}, nil
	}
	found.Status.ObservedGeneration = found.Generation
	return ctrl.Result{}, c.Status().Update(ctx, found)
}

// manager runs a controller with a cache, behind a leader election, and takes it through an object's life.
func manager(ctx context.Context, config *rest.Config) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	running, err := newManager(config)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- running.Start(ctx) }()
	if err := life(ctx, running); err != nil {
		return err
	}
	stop()
	return <-ended
}

func newManager(config *rest.Config) (ctrl.Manager, error) {
	types := runtime.NewScheme()
	if err := scheme.AddToScheme(types); err != nil {
		return nil, err
	}
	running, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  types,
		Metrics:                 server.Options{BindAddress: "0"},
		LeaderElection:          true,
		LeaderElectionID:        "clients",
		LeaderElectionNamespace: namespace,
	})
	if err != nil {
		return nil, err
	}
	builder := ctrl.NewControllerManagedBy(running).For(&apps.Deployment{}).Owns(&core.ConfigMap{})
	return running, builder.Complete(counter{running.GetClient()})
}

func life(ctx context.Context, running ctrl.Manager) error {
	api := running.GetClient()
	spec := apps.DeploymentSpec{Selector: &meta.LabelSelector{MatchLabels: labels}, Template: template()}
	parent := &apps.Deployment{ObjectMeta: named("managed"), Spec: spec}
	parent.Labels = map[string]string{"reconciled": "please"}
	if err := api.Create(ctx, parent); err != nil {
		return err
	}
	key := client.ObjectKey{Namespace: namespace, Name: "managed-child"}
	child := func(wanted string) wait.ConditionWithContextFunc {
		return func(ctx context.Context) (bool, error) {
			found := &core.ConfigMap{}
			err := api.Get(ctx, key, found)
			return err == nil && found.Data["generation"] == wanted, client.IgnoreNotFound(err)
		}
	}
	if err := wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, child("1")); err != nil {
		return fmt.Errorf("no child: %w", err)
	}
	before := parent.DeepCopy()
	parent.Spec.Paused = true
	if err := api.Patch(ctx, parent, client.MergeFrom(before)); err != nil {
		return err
	}
	if err := wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, child("2")); err != nil {
		return fmt.Errorf("the child is not changed: %w", err)
	}
	observed := func(ctx context.Context) (bool, error) {
		found := &apps.Deployment{}
		err := api.Get(ctx, client.ObjectKeyFromObject(parent), found)
		return err == nil && found.Status.ObservedGeneration == 2, err
	}
	if err := wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, observed); err != nil {
		return fmt.Errorf("the status is not told: %w", err)
	}
	return nil
}
