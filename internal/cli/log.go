package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"
)

// The forms of a log.
const (
	logAuto = "auto"
	logJSON = "json"
	logText = "text"
)

// logTo is the log of a service: in lines of text on a terminal, in lines of JSON
// elsewhere, or as format says. The service narrows it by its option logging_level.
func logTo(w io.Writer, format string) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	switch format {
	case logText:
		return slog.New(slog.NewTextHandler(w, options)), nil
	case logJSON:
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case logAuto, "":
		if onTerminal(w) {
			return slog.New(slog.NewTextHandler(w, options)), nil
		}
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, fmt.Errorf("--log-format (BOS_LOG_FORMAT) is %q; use %s, %s or %s", format, logAuto, logJSON, logText)
	}
}

func onTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
