// kstatus reads Kubernetes objects as a JSON list on standard input and prints, as a JSON list in the same order, what
// the library that Flux waits with says of each: its status (Current, InProgress, Failed, ...) and message.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Status  status.Status `json:"status"`
	Message string        `json:"message"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

func run() error {
	// Unstructured's own unmarshaller makes the whole numbers that kstatus expects, where encoding/json makes floats.
	var objects []unstructured.Unstructured
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return fmt.Errorf("standard input is no JSON list of objects: %w", err)
	}
	verdicts := make([]verdict, 0, len(objects))
	for _, object := range objects {
		result, err := status.Compute(&object)
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		verdicts = append(verdicts, verdict{result.Status, result.Message})
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}
