// Package ecs takes the place of Traefik's provider for AWS ECS when Traefik is built for the node. The original
// imports the software kit of EC2: one package whose compilation takes 3 GB of memory and minutes.
package ecs

import (
	"errors"

	"github.com/traefik/traefik/v3/pkg/config/dynamic"
	"github.com/traefik/traefik/v3/pkg/safe"
)

var errNotBuilt = errors.New("this build of Traefik has no ECS provider")

// Provider fails when it is configured.
type Provider struct{}

// Init fails.
func (*Provider) Init() error { return errNotBuilt }

// Provide fails.
func (*Provider) Provide(chan<- dynamic.Message, *safe.Pool) error { return errNotBuilt }
