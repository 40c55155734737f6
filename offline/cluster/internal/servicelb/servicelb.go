// Package servicelb gives services of type LoadBalancer the node's own address, as k3s's servicelb does.
// kube-proxy then takes in the traffic to that address and port.
package servicelb

import (
	"context"
	"encoding/json"
	"log"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Run watches services until the context ends.
func Run(ctx context.Context, client kubernetes.Interface, address string) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Services().Informer()
	update := func(object any) {
		service, ok := object.(*corev1.Service)
		if !ok || !Wants(service, address) {
			return
		}
		if err := setAddress(ctx, client, service, address); err != nil && ctx.Err() == nil {
			log.Printf("service %s/%s: set its address: %v", service.Namespace, service.Name, err)
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    update,
		UpdateFunc: func(_, object any) { update(object) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	return nil
}

// Wants says whether a service is to get the address and does not have it yet.
func Wants(service *corev1.Service, address string) bool {
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.LoadBalancerClass != nil || service.DeletionTimestamp != nil {
		return false
	}
	ingress := service.Status.LoadBalancer.Ingress
	return len(ingress) != 1 || ingress[0].IP != address
}

func setAddress(ctx context.Context, client kubernetes.Interface, service *corev1.Service, address string) error {
	patch, err := json.Marshal(map[string]any{
		"status": map[string]any{
			"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": address, "ipMode": corev1.LoadBalancerIPModeVIP}}},
		},
	})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "offline-node"}, "status")
	return err
}
