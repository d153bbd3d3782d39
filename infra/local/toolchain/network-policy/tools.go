//go:build tools

// Package tools pins the NetworkPolicy enforcer of the embedded cluster.
package tools

import _ "sigs.k8s.io/kube-network-policies/cmd"
