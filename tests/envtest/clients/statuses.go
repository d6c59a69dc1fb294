package main

import (
	"context"
	"fmt"
	"time"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const namespace = "default"

var labels = map[string]string{"app": "clients"}

func named(name string) meta.ObjectMeta {
	return meta.ObjectMeta{Name: name, Namespace: namespace, Labels: labels}
}

func template() core.PodTemplateSpec {
	return core.PodTemplateSpec{
		ObjectMeta: meta.ObjectMeta{Labels: labels},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "app", Image: "registry.test/app:1"}}},
	}
}

func want(what string, found, wanted any) error {
	if found != wanted {
		return fmt.Errorf("%s is %v, not %v", what, found, wanted)
	}
	return nil
}

// statuses writes a status of each kind as its controller would, and reads it again.
func statuses(ctx context.Context, config *rest.Config) error {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, one := range []func(context.Context, kubernetes.Interface) error{
		deployment, statefulSet, replicaSet, daemonSet, job, pod, claim, node, ingress, event, lists,
	} {
		if err := one(ctx, clients); err != nil {
			return err
		}
	}
	return nil
}

func deployment(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.AppsV1().Deployments(namespace)
	spec := apps.DeploymentSpec{Selector: &meta.LabelSelector{MatchLabels: labels}, Template: template()}
	made, err := api.Create(ctx, &apps.Deployment{ObjectMeta: named("deployment"), Spec: spec}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Replicas, made.Status.ReadyReplicas, made.Status.ObservedGeneration = 1, 1, made.Generation
	made.Status.Conditions = []apps.DeploymentCondition{
		{Type: apps.DeploymentAvailable, Status: core.ConditionTrue, LastUpdateTime: meta.Now(), LastTransitionTime: meta.Now(), Reason: "Seen"},
	}
	if _, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{}); err != nil {
		return err
	}
	read, err := api.Get(ctx, "deployment", meta.GetOptions{})
	if err != nil {
		return err
	}
	if len(read.Status.Conditions) != 1 {
		return fmt.Errorf("the conditions of a Deployment are %v", read.Status.Conditions)
	}
	return want("ready replicas of a Deployment", read.Status.ReadyReplicas, int32(1))
}

func statefulSet(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.AppsV1().StatefulSets(namespace)
	spec := apps.StatefulSetSpec{Selector: &meta.LabelSelector{MatchLabels: labels}, Template: template(), ServiceName: "x"}
	made, err := api.Create(ctx, &apps.StatefulSet{ObjectMeta: named("statefulset"), Spec: spec}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Replicas, made.Status.CurrentRevision = 1, "one"
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	return want("revision of a StatefulSet", updated.Status.CurrentRevision, "one")
}

func replicaSet(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.AppsV1().ReplicaSets(namespace)
	spec := apps.ReplicaSetSpec{Selector: &meta.LabelSelector{MatchLabels: labels}, Template: template()}
	made, err := api.Create(ctx, &apps.ReplicaSet{ObjectMeta: named("replicaset"), Spec: spec}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Replicas, made.Status.FullyLabeledReplicas = 1, 1
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	return want("labelled replicas of a ReplicaSet", updated.Status.FullyLabeledReplicas, int32(1))
}

func daemonSet(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.AppsV1().DaemonSets(namespace)
	spec := apps.DaemonSetSpec{Selector: &meta.LabelSelector{MatchLabels: labels}, Template: template()}
	made, err := api.Create(ctx, &apps.DaemonSet{ObjectMeta: named("daemonset"), Spec: spec}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.NumberReady, made.Status.DesiredNumberScheduled = 1, 2
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	return want("ready pods of a DaemonSet", updated.Status.NumberReady, int32(1))
}

func job(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.BatchV1().Jobs(namespace)
	pods := template()
	pods.Spec.RestartPolicy = core.RestartPolicyNever
	made, err := api.Create(ctx, &batch.Job{ObjectMeta: named("job"), Spec: batch.JobSpec{Template: pods}}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	now := meta.Now()
	made.Status.StartTime, made.Status.Active = &now, 1
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	return want("active pods of a Job", updated.Status.Active, int32(1))
}

func pod(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.CoreV1().Pods(namespace)
	made, err := api.Create(ctx, &core.Pod{ObjectMeta: named("pod"), Spec: template().Spec}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Phase, made.Status.PodIP = core.PodRunning, "10.0.0.1"
	made.Status.PodIPs = []core.PodIP{{IP: "10.0.0.1"}}
	made.Status.ContainerStatuses = []core.ContainerStatus{{Name: "app", Image: "x", ImageID: "y", Ready: true, RestartCount: 2}}
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	return want("restarts of a Pod", updated.Status.ContainerStatuses[0].RestartCount, int32(2))
}

func claim(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.CoreV1().PersistentVolumeClaims(namespace)
	size := core.ResourceList{core.ResourceStorage: resource.MustParse("1Gi")}
	spec := core.PersistentVolumeClaimSpec{
		AccessModes: []core.PersistentVolumeAccessMode{core.ReadWriteOnce},
		Resources:   core.VolumeResourceRequirements{Requests: size},
	}
	made, err := api.Create(ctx, &core.PersistentVolumeClaim{ObjectMeta: named("claim"), Spec: spec}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Phase, made.Status.Capacity = core.ClaimBound, size
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	capacity := updated.Status.Capacity[core.ResourceStorage]
	return want("capacity of a claim", capacity.String(), "1Gi")
}

func node(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.CoreV1().Nodes()
	made, err := api.Create(ctx, &core.Node{ObjectMeta: meta.ObjectMeta{Name: "clients-node"}}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.NodeInfo.KubeletVersion = "v1.36.3"
	made.Status.Capacity = core.ResourceList{core.ResourceCPU: resource.MustParse("4")}
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	if err := api.Delete(ctx, "clients-node", meta.DeleteOptions{}); err != nil {
		return err
	}
	return want("version of a Node", updated.Status.NodeInfo.KubeletVersion, "v1.36.3")
}

func ingress(ctx context.Context, clients kubernetes.Interface) error {
	api := clients.NetworkingV1().Ingresses(namespace)
	service := networking.IngressServiceBackend{Name: "app", Port: networking.ServiceBackendPort{Number: 80}}
	spec := networking.IngressSpec{DefaultBackend: &networking.IngressBackend{Service: &service}}
	made, err := api.Create(ctx, &networking.Ingress{ObjectMeta: named("ingress"), Spec: spec}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.LoadBalancer.Ingress = []networking.IngressLoadBalancerIngress{{IP: "10.0.0.9"}}
	updated, err := api.UpdateStatus(ctx, made, meta.UpdateOptions{})
	if err != nil {
		return err
	}
	return want("address of an Ingress", updated.Status.LoadBalancer.Ingress[0].IP, "10.0.0.9")
}

func event(ctx context.Context, clients kubernetes.Interface) error {
	about := core.ObjectReference{Kind: "Pod", Namespace: namespace, Name: "pod"}
	told := core.Event{ObjectMeta: named("event"), InvolvedObject: about, Reason: "Seen", Type: "Normal", Count: 3, FirstTimestamp: meta.Now(), LastTimestamp: meta.Now()}
	made, err := clients.CoreV1().Events(namespace).Create(ctx, &told, meta.CreateOptions{})
	if err != nil {
		return err
	}
	return want("count of an Event", made.Count, int32(3))
}

func lists(ctx context.Context, clients kubernetes.Interface) error {
	found, err := clients.AppsV1().StatefulSets(namespace).List(ctx, meta.ListOptions{LabelSelector: "app=clients"})
	if err != nil {
		return err
	}
	if _, err := clients.AppsV1().StatefulSets(namespace).Get(ctx, "nobody", meta.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("a StatefulSet that is not there is answered %v", err)
	}
	return want("StatefulSets", len(found.Items), 1)
}

// informer sees what is there, what comes and what goes.
func informer(ctx context.Context, config *rest.Config) error {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(clients, time.Minute, informers.WithNamespace(namespace))
	maps := factory.Core().V1().ConfigMaps()
	maps.Informer() // before the start, or nothing is watched
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	api := clients.CoreV1().ConfigMaps(namespace)
	if _, err := api.Create(ctx, &core.ConfigMap{ObjectMeta: named("seen"), Data: map[string]string{"a": "1"}}, meta.CreateOptions{}); err != nil {
		return err
	}
	seen := func(wanted bool) wait.ConditionWithContextFunc {
		return func(context.Context) (bool, error) {
			_, err := maps.Lister().ConfigMaps(namespace).Get("seen")
			return (err == nil) == wanted, nil
		}
	}
	if err := wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, seen(true)); err != nil {
		return fmt.Errorf("a new ConfigMap is not seen: %w", err)
	}
	if err := api.Delete(ctx, "seen", meta.DeleteOptions{}); err != nil {
		return err
	}
	if err := wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, seen(false)); err != nil {
		return fmt.Errorf("a deleted ConfigMap is still seen: %w", err)
	}
	return nil
}
