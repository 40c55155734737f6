package servicelb

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWants(t *testing.T) {
	const address = "10.0.0.1"
	service := func(change func(*corev1.Service)) *corev1.Service {
		s := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}}
		change(s)
		return s
	}
	withAddresses := func(addresses ...string) func(*corev1.Service) {
		return func(s *corev1.Service) {
			for _, each := range addresses {
				s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: each})
			}
		}
	}
	class, now := "other", metav1.NewTime(time.Unix(0, 0))
	cases := map[string]struct {
		change func(*corev1.Service)
		want   bool
	}{
		"a new load balancer":            {withAddresses(), true},
		"one with the address":           {withAddresses(address), false},
		"one with an earlier run's":      {withAddresses("10.0.0.9"), true},
		"one with two":                   {withAddresses(address, "10.0.0.9"), true},
		"a service of another type":      {func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }, false},
		"one of another controller":      {func(s *corev1.Service) { s.Spec.LoadBalancerClass = &class }, false},
		"one that is just being removed": {func(s *corev1.Service) { s.DeletionTimestamp = &now }, false},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Wants(service(each.change), address); got != each.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
