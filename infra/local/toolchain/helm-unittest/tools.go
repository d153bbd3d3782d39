//go:build tools

// Package tools pins the runner of the chart tests.
package tools

import _ "github.com/helm-unittest/helm-unittest/cmd/helm-unittest"
