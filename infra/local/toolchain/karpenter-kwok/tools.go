//go:build tools

// Package tools pins Karpenter with the simulated cloud of kwok, which rehearsals use.
package tools

import _ "sigs.k8s.io/karpenter/kwok"
