//go:build tools

// Package tools pins Helm, which the offline provider uses to render charts.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
