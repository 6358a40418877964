package tables

import (
	"encoding/json"
	"errors"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// decodeTemplate reads a stored template with the members that were given as
// empty texts, which the fields themselves cannot tell from absent ones.
func decodeTemplate(document []byte) (bos.SessionTemplate, error) {
	var t bos.SessionTemplate
	var given struct {
		BootSets map[string]struct {
			ETag             *string `json:"etag"`
			KernelParameters *string `json:"kernel_parameters"`
			Passthrough      *string `json:"rootfs_provider_passthrough"`
		} `json:"boot_sets"`
	}
	if err := errors.Join(json.Unmarshal(document, &t), json.Unmarshal(document, &given)); err != nil {
		return t, err
	}
	for name, members := range given.BootSets {
		set := t.BootSets[name]
		for _, m := range []struct {
			value  *string
			member bos.BlankMembers
		}{{members.ETag, bos.BlankETag}, {members.KernelParameters, bos.BlankKernelParameters}, {members.Passthrough, bos.BlankPassthrough}} {
			if m.value != nil && *m.value == "" {
				set.Blank |= m.member
			}
		}
		t.BootSets[name] = set
	}
	return t, nil
}
