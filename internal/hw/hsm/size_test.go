package hsm

import "testing"

// endpointBytes is one component endpoint of a node with four interfaces and all that
// discovery finds, as State Managers write it.
const endpointBytes = 3200

func TestTheEndpointsOfALargeSiteFitIntoOneAnswer(t *testing.T) {
	const nodes = 100_000
	if nodes*endpointBytes > maxBody {
		t.Errorf("%d nodes need %d bytes, and %d are read", nodes, nodes*endpointBytes, maxBody)
	}
}
