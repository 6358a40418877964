package document

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	artifactsMember = `"boot_artifacts":`
	statusMember    = `"status":{`
)

// AppendView appends a stored document as the API answers it: with the boot
// artifacts in full and the derived status word. Inside a text a quotation
// mark has a backslash in front, so that the names are found nowhere else.
func AppendView(to []byte, document, status string, resolve func(id int64) ([]byte, error)) ([]byte, error) {
	for {
		at := strings.Index(document, artifactsMember)
		if at < 0 {
			break
		}
		at += len(artifactsMember)
		to = append(to, document[:at]...)
		document = document[at:]
		end := 0
		for end < len(document) && document[end] >= '0' && document[end] <= '9' {
			end++
		}
		if end == 0 {
			continue
		}
		id, err := strconv.ParseInt(document[:end], 10, 64)
		if err != nil {
			return to, fmt.Errorf("stored record: boot artifacts %q: %w", document[:end], err)
		}
		a, err := resolve(id)
		if err != nil {
			return to, err
		}
		to, document = append(to, a...), document[end:]
	}
	at := strings.LastIndex(document, statusMember)
	if at < 0 {
		return to, errors.New("stored record: no status")
	}
	at += len(statusMember)
	to = append(to, document[:at]...)
	to = append(AppendText(append(to, `"status":`...), status), ',')
	return append(to, document[at:]...), nil
}
