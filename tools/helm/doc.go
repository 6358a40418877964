// Package helm tries the Helm chart of packaging/helm/bos: "make chart".
package helm
